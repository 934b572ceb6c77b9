// From what a person typed to the body that registers a tool server, or a sentence that says what to change. A secret is named, never typed.
import type { UpstreamAuth } from "@postern/contracts";

export interface UpstreamFields {
  readonly url: string;
  readonly transport: string;
  readonly enabled: boolean;
  readonly auth: string;
  /** Where sidecars find the secret. */
  readonly from: string;
  readonly secret: string;
  readonly header: string;
  readonly prefix: string;
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly scopes: string;
}

type Read =
  | { readonly ok: true; readonly request: object }
  | { readonly ok: false; readonly problem: string };

export function readUpstream(fields: UpstreamFields): Read {
  const url = fields.url.trim();
  if (url === "") return { ok: false, problem: "Give the address of the tool server." };
  const auth = authOf(fields);
  if (typeof auth === "string") return { ok: false, problem: auth };
  const transport = fields.transport === "sse" ? "sse" : "http";
  return { ok: true, request: { url, transport, enabled: fields.enabled, auth } };
}

function authOf(fields: UpstreamFields): UpstreamAuth | string {
  if (fields.auth === "none") return { kind: "none" };
  const name = fields.secret.trim();
  if (name === "") return "Name the secret that opens the server.";
  const secret =
    fields.from === "vault"
      ? ({ from: "vault", path: name } as const)
      : ({ from: fields.from === "env" ? "env" : "file", name } as const);
  if (fields.auth === "header") {
    const header = fields.header.trim();
    if (header === "") return "Name the header that holds the credential.";
    return { kind: "header", header, prefix: fields.prefix, secret };
  }
  const token_url = fields.tokenUrl.trim();
  const client_id = fields.clientId.trim();
  if (token_url === "" || client_id === "") return "Give the token endpoint and the client's id.";
  return { kind: "oauth", token_url, client_id, secret, scopes: fields.scopes.split(/\s+/).filter(Boolean) };
}
