// An identity provider for tests: its metadata and keys over HTTP, and access tokens of every kind, right and wrong.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { defer, type TestScope } from "@postern/testkit";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";

export interface TestIssuer {
  readonly url: string;
  readonly key: CryptoKey;
  readonly publicJwk: JWK;
  /** Paths that were asked for, in order. */
  readonly asked: string[];
  /** Answers by path; what stands here may be changed. */
  readonly answers: Map<string, (request: IncomingMessage, response: ServerResponse) => void>;
  /** Changes what `/jwks` holds. */
  publish(keys: readonly JWK[]): void;
}

export const json =
  (value: unknown, status = 200, headers: Record<string, string> = {}) =>
  (_: IncomingMessage, response: ServerResponse) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(value));
  };

export async function testIssuer(t: TestScope): Promise<TestIssuer> {
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const publicJwk: JWK = { ...(await exportJWK(publicKey)), kid: "k1", alg: "ES256", use: "sig" };
  const asked: string[] = [];
  const answers: TestIssuer["answers"] = new Map();
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    (answers.get(request.url ?? "") ?? json({}, 404))(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  defer(t, () => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  answers.set("/.well-known/openid-configuration", json({ issuer: url, jwks_uri: `${url}/jwks` }));
  const publish = (keys: readonly JWK[]) => void answers.set("/jwks", json({ keys }));
  publish([publicJwk]);
  return { url, key: privateKey, publicJwk, asked, answers, publish };
}

export interface TokenParts {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly key?: CryptoKey | Uint8Array;
}

/** A right access token for `resource`, but for what `parts` change; a claim that is undefined is left out. */
export async function accessToken(
  issuer: Pick<TestIssuer, "url" | "key">,
  { resource, nowMs }: { resource: string; nowMs: number },
  { claims = {}, header = {}, key = issuer.key }: TokenParts = {},
): Promise<string> {
  const now = Math.floor(nowMs / 1000);
  const payload = {
    iss: issuer.url,
    aud: resource,
    sub: "alice",
    iat: now,
    exp: now + 300,
    jti: "at-1",
    ...claims,
  };
  return await new SignJWT(payload)
    .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid: "k1", ...header })
    .sign(key);
}

/** Three parts as they are, whatever they say. */
export function rawJwt(header: object, payload: object, signature = ""): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part(header)}.${part(payload)}.${signature}`;
}
