// A real authorization server for the tests: oidc-provider with client credentials and resource indicators. Token exchange (RFC 8693) is not
// built into it, so a small grant of the test's own is registered there: whoever the subject is stands in the token that comes out.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { defer, freePort, type TestScope } from "@postern/testkit";

export const CLIENT = { id: "postern:sidecar", secret: "s3cr:t/+%~" } as const;
export const RESOURCE = "https://tools.example/mcp";
const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";

export interface TokenServer {
  readonly tokenUrl: string;
  /** What was asked of the token endpoint, in order. */
  readonly asked: Readonly<Record<string, string>>[];
  /** What an access token of client credentials is good for; undefined when it was not issued here. */
  inspect(token: string): Promise<{ audience: unknown; scope: unknown } | undefined>;
}

interface GrantContext {
  body: unknown;
  readonly oidc: {
    readonly params: Readonly<Record<string, string>>;
    readonly client: { readonly clientId: string };
  };
}

/** The package has no types of its own; this is what the fixture uses of it. */
interface ProviderUsed {
  readonly ClientCredentials: {
    find(token: string): Promise<{ aud?: unknown; scope?: unknown } | undefined>;
  };
  registerGrantType(
    name: string,
    handle: (context: GrantContext) => Promise<void>,
    parameters: string[],
  ): void;
  on(event: string, listen: (context: GrantContext) => void): void;
  callback(): (request: IncomingMessage, response: ServerResponse) => void;
}
type ProviderConstructor = new (issuer: string, configuration: object) => ProviderUsed;

export async function startTokenServer(scope: TestScope, { lifetimeS = 600 } = {}): Promise<TokenServer> {
  const loaded: unknown = await import("oidc-provider");
  const { default: Provider } = loaded as { default: ProviderConstructor };
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const resourceServer = {
    scope: "call",
    audience: RESOURCE,
    accessTokenTTL: lifetimeS,
    accessTokenFormat: "opaque",
  };
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        grant_types: ["client_credentials", EXCHANGE],
        redirect_uris: [],
        response_types: [],
        scope: "call",
      },
    ],
    scopes: ["call"],
    ttl: { ClientCredentials: lifetimeS },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => resourceServer,
        useGrantedResource: () => true,
        defaultResource: () => undefined,
      },
    },
  });
  const asked: Readonly<Record<string, string>>[] = [];
  provider.registerGrantType(
    EXCHANGE,
    async (context) => {
      const { subject_token: subject, audience } = context.oidc.params;
      const token = `${audience}.${Buffer.from(subject ?? "").toString("base64url")}`;
      context.body = {
        access_token: token,
        issued_token_type: "x",
        token_type: "Bearer",
        expires_in: lifetimeS,
      };
    },
    ["subject_token", "subject_token_type", "requested_token_type", "audience", "scope", "resource"],
  );
  provider.on("grant.success", ({ oidc }) => asked.push({ ...oidc.params, client: oidc.client.clientId }));
  const server = createServer(provider.callback());
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  defer(scope, async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    tokenUrl: `${issuer}/token`,
    asked,
    async inspect(token) {
      const found = await provider.ClientCredentials.find(token);
      return found && { audience: found.aud, scope: found.scope };
    },
  };
}
