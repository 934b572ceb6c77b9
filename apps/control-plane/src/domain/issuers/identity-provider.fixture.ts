// A real identity provider for tests: anybody logs in as whom they say they are, and gets JWT access tokens for the resource that they ask for
// (RFC 8707, RFC 9068). Run as a process it prints its address: node identity-provider.fixture.ts.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { defer, type TestScope } from "@postern/testkit";
import Provider from "oidc-provider";

/** Where the browser of a person is sent back to. Nobody listens there: a test reads the code from the address. */
const REDIRECT_URL = "http://127.0.0.1:1/callback";
/** A program that logs in with a secret of its own. */
const ROBOT = { client_id: "robot", client_secret: "a-secret-of-the-robot-in-a-test" } as const;

const CLIENTS = [
  {
    client_id: "desktop",
    application_type: "native",
    token_endpoint_auth_method: "none",
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    redirect_uris: [REDIRECT_URL],
  },
  { ...ROBOT, grant_types: ["client_credentials"], response_types: [], redirect_uris: [] },
];

const RESOURCE = { scope: "mcp", accessTokenFormat: "jwt", accessTokenTTL: 300 } as const;

async function openIdentityProvider(): Promise<{ url: string; close(): void }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(url, {
    clients: CLIENTS,
    scopes: ["openid", "offline_access", "mcp"],
    cookies: { keys: ["a-cookie-key-of-a-test"] },
    findAccount: (_context: unknown, accountId: string) => ({
      accountId,
      claims: () => ({ sub: accountId }),
    }),
    extraTokenClaims: () => ({ groups: ["staff"] }),
    features: {
      devInteractions: { enabled: true },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context: unknown, resource: string) => ({ ...RESOURCE, audience: resource }),
      },
    },
  });
  server.on("request", provider.callback());
  return {
    url,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Ends with the test. */
export async function identityProvider(t: TestScope): Promise<{ url: string }> {
  const opened = await openIdentityProvider();
  defer(t, opened.close);
  return opened;
}

/** An access token of the robot's for a resource. */
export async function robotToken(url: string, resource: string): Promise<string> {
  const body = new URLSearchParams({ grant_type: "client_credentials", scope: "mcp", resource, ...ROBOT });
  const answer = await fetch(`${url}/token`, { method: "POST", body });
  const { access_token } = (await answer.json()) as { access_token: string };
  return access_token;
}

if (import.meta.main) {
  const { url } = await openIdentityProvider();
  process.stdout.write(`${JSON.stringify({ url })}\n`);
}
