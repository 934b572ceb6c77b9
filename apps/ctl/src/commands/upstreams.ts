// postern upstreams: the tool servers that a tenant registers for its sidecars. A secret is named here and stands nowhere on a command line.
import { type AdminClient, createAdminClient, type Upstream, type UpstreamRequest } from "@postern/client";
import { UpstreamAuth, UpstreamTransport } from "@postern/contracts";
import type { z } from "zod";
import { columns } from "../columns.ts";
import { command, type Options, usage, type Values } from "../command.ts";
import { ADMIN_OPTIONS, type AdminConnection, adminConnection } from "../connection.ts";

export const upstreams = command({
  name: "upstreams",
  summary: "List the tool servers that a tenant registered.",
  usage: "",
  positionals: { min: 0, max: 0 },
  options: ADMIN_OPTIONS,
  example: "postern upstreams --tenant acme",
  async run({ options }, { config }) {
    const connection = await adminConnection(options, config());
    const found = await allUpstreams(createAdminClient(connection), connection);
    const rows = found.map((one) => [
      ...[one.tenant, one.name, one.transport, one.url, authText(one), one.enabled ? "yes" : "no"],
    ]);
    const head = ["TENANT", "NAME", "TRANSPORT", "ADDRESS", "CREDENTIAL", "ENABLED"];
    return { ok: true, json: found, text: columns([head, ...rows]) };
  },
});

const SETTINGS = {
  transport: { value: "NAME", description: "http (Streamable HTTP, the default) or sse (HTTP+SSE)." },
  secret: {
    value: "REFERENCE",
    description: "Where sidecars find the secret: file:<name>, env:<NAME> or vault:<mount/path#field>.",
  },
  header: { value: "NAME", description: "Header that the secret is sent in; Authorization without it." },
  prefix: { value: "TEXT", description: 'What stands before the secret; "Bearer " without it and --header.' },
  "token-url": { value: "URL", description: "The secret is a client's: get access tokens here." },
  "client-id": { value: "ID", description: "That client's id." },
  scope: { value: "NAME", description: "A scope to ask for.", multiple: true },
  resource: { value: "URL", description: "The resource to ask for (RFC 8707)." },
  disabled: { description: "Keep it, and tell no sidecar." },
  ...ADMIN_OPTIONS,
} as const satisfies Options;

export const upstreamsAdd = command({
  name: "upstreams add",
  summary: "Register a tool server; sidecars reach it at /v1/mcp/<name>.",
  usage: "<name> <address>",
  positionals: { min: 2, max: 2 },
  options: SETTINGS,
  example: "postern upstreams add crm https://crm.example.com/mcp --secret file:crm",
  async run({ options, positionals: [name = "", url = ""] }, { config }) {
    const request = requestOf(url, options);
    const connection = await adminConnection(options, config());
    const { tenant } = connection;
    const added = await createAdminClient(connection).addUpstream({ name, tenant, ...request });
    return { ok: true, json: added, text: `${name} is registered for tenant ${added.tenant}.` };
  },
});

export const upstreamsSet = command({
  name: "upstreams set",
  summary: "Change a registered tool server.",
  usage: "<name> <address>",
  details: "What is left out takes its default.",
  positionals: { min: 2, max: 2 },
  options: SETTINGS,
  example: "postern upstreams set crm https://crm.example.com/v2/mcp --secret vault:secret/crm#token",
  async run({ options, positionals: [name = "", url = ""] }, { config }) {
    const request = requestOf(url, options);
    const connection = await adminConnection(options, config());
    const { tenant } = connection;
    const changed = await createAdminClient(connection).replaceUpstream(name, request, { tenant });
    return { ok: true, json: changed, text: `${name} is as you say for tenant ${changed.tenant}.` };
  },
});

export const upstreamsRemove = command({
  name: "upstreams remove",
  summary: "Take a tool server out of the registry.",
  usage: "<name>",
  positionals: { min: 1, max: 1 },
  options: ADMIN_OPTIONS,
  example: "postern upstreams remove crm --tenant acme",
  async run({ options, positionals: [name = ""] }, { config }) {
    const connection = await adminConnection(options, config());
    await createAdminClient(connection).removeUpstream(name, { tenant: connection.tenant });
    return { ok: true, json: { removed: name }, text: `${name} is registered no longer.` };
  },
});

/** Raises Fault invalid "ctl.usage". */
function requestOf(url: string, options: Values<typeof SETTINGS>): UpstreamRequest {
  const transport = UpstreamTransport.safeParse(options.transport ?? "http");
  if (!transport.success) throw usage("--transport is http or sse");
  const auth = UpstreamAuth.safeParse(authOf(options));
  if (!auth.success)
    throw usage(auth.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`).join("; "));
  return { transport: transport.data, url, auth: auth.data, enabled: !options.disabled };
}

function authOf(options: Values<typeof SETTINGS>): z.input<typeof UpstreamAuth> {
  const { secret, header, prefix, scope: scopes, resource } = options;
  const { "token-url": tokenUrl, "client-id": clientId } = options;
  const isOauth = tokenUrl !== undefined || clientId !== undefined;
  if (secret === undefined) {
    if (isOauth || header !== undefined) throw usage("--secret says where the secret is");
    return { kind: "none" };
  }
  if (!isOauth) {
    const usual = header === undefined ? "Bearer " : "";
    return {
      ...{ kind: "header", header: header ?? "authorization", prefix: prefix ?? usual },
      secret: referenceOf(secret),
    };
  }
  if (tokenUrl === undefined || clientId === undefined)
    throw usage("--token-url and --client-id go together");
  return {
    ...{ kind: "oauth", token_url: tokenUrl, client_id: clientId, secret: referenceOf(secret) },
    ...{ scopes: [...scopes], ...(resource !== undefined && { resource }) },
  };
}

/** What it says is told apart here, and whether it may say so by the contract. */
function referenceOf(text: string) {
  const [, from, name = ""] = /^(file|env|vault):(.+)$/.exec(text) ?? [];
  if (from === "file" || from === "env") return { from, name } as const;
  if (from === "vault") return { from, path: name } as const;
  // The text is not repeated: it may be the secret itself.
  throw usage("--secret names a secret, as file:<name>, env:<NAME> or vault:<mount/path#field>");
}

function authText({ auth }: Upstream): string {
  if (auth.kind === "none") return "-";
  const { secret } = auth;
  return `${auth.kind === "oauth" ? "oauth " : ""}${secret.from}:${secret.from === "vault" ? secret.path : secret.name}`;
}

async function allUpstreams(client: AdminClient, { tenant }: AdminConnection): Promise<Upstream[]> {
  const found: Upstream[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await client.upstreams({ tenant, cursor });
    found.push(...page.items);
    cursor = page.next_cursor;
    if (cursor === undefined) return found;
  }
}
