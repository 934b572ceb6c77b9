// A real identity provider with which operators log in: anybody is who they say they are, in the groups that the test gives them. A browser is
// played by `browse`. Run as a process it prints its address: node provider.fixture.ts <redirect URL>.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { secret } from "@postern/config";
import { defer, type TestScope } from "@postern/testkit";
import Provider from "oidc-provider";
import type { OidcSettings } from "../../oidc-settings.ts";

export const PUBLIC_URL = "http://127.0.0.1:1";
const CLIENT = { client_id: "postern", client_secret: "a-secret-of-postern-in-a-test" } as const;

async function openProvider(redirectUrl: string): Promise<{ url: string; close(): void }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(url, {
    clients: [
      {
        ...CLIENT,
        redirect_uris: [redirectUrl],
        grant_types: ["authorization_code"],
        response_types: ["code"],
      },
    ],
    scopes: ["openid", "email", "profile"],
    claims: { openid: ["sub", "groups"], email: ["email", "email_verified"] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    cookies: { keys: ["a-cookie-key-of-a-test"] },
    // "alice.admins" is Alice, in the group of admins.
    findAccount: (_context: unknown, accountId: string) => ({
      accountId,
      claims: () => {
        const [name = "", ...groups] = accountId.split(".");
        return { sub: accountId, email: `${name}@acme.example`, email_verified: true, groups };
      },
    }),
    features: { devInteractions: { enabled: true } },
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
export async function loginProvider(t: TestScope): Promise<{ url: string }> {
  const opened = await openProvider(`${PUBLIC_URL}/v1/auth/callback`);
  defer(t, opened.close);
  return opened;
}

export function settingsFor(issuer: string, change: Partial<OidcSettings> = {}): OidcSettings {
  return {
    ...{ issuer, clientId: CLIENT.client_id, clientSecret: secret(CLIENT.client_secret) },
    ...{ audience: CLIENT.client_id, scopes: "openid email profile", tenant: { fixed: "acme" } },
    ...{ nameClaim: "email", rolesClaim: "groups", redirectUrl: `${PUBLIC_URL}/v1/auth/callback` },
    roleRules: [
      ["admins", "admin"],
      ["staff", "viewer"],
    ],
    ...change,
  };
}

/** A person at a browser: follows redirects, logs in under a name, consents, and is sent back to `home`. */
export async function browse(address: string, login: string, home = PUBLIC_URL): Promise<URL> {
  const cookies = new Map<string, string>();
  let url = new URL(address);
  let form: URLSearchParams | undefined;
  for (let step = 0; step < 20; step += 1) {
    if (url.href.startsWith(home)) return url;
    const answer = await fetch(url, {
      redirect: "manual",
      headers: { cookie: [...cookies].map(([key, value]) => `${key}=${value}`).join("; ") },
      ...(form === undefined ? {} : { method: "POST", body: form }),
    });
    for (const cookie of answer.headers.getSetCookie()) {
      const [, key = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(key, value);
    }
    const page = await answer.text();
    const location = answer.headers.get("location");
    form = undefined;
    if (location !== null) {
      url = new URL(location, url);
      continue;
    }
    const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1];
    assert.ok(
      prompt !== undefined,
      `the provider asks for something: ${answer.status} ${page.slice(0, 400)}`,
    );
    form = new URLSearchParams({ prompt, login, password: "any" });
  }
  throw new Error("the login leads nowhere");
}

if (import.meta.main) {
  const { url } = await openProvider(process.argv[2] ?? "");
  process.stdout.write(`${JSON.stringify({ url })}\n`);
}
