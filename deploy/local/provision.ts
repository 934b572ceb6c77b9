// What a demonstration needs on a fresh control plane: a tenant, a policy, a sidecar and a token. What is there already stays as it is, so that a
// policy that somebody promoted, or a token that somebody pasted into a client, survives a restart.
import { join } from "node:path";
import { type AdminClient, createAdminClient } from "../../packages/client/src/index.ts";
import { toFault } from "../../packages/fault/src/index.ts";
import { readDefaultPolicy } from "../../packages/policy/src/default-policy.ts";
import { readKept, writeKept } from "./kept-file.ts";

export interface Provided {
  readonly tenant: string;
  readonly credential: string;
  readonly trustRoot: string;
  readonly capabilityToken: string;
}

export const TENANT = "demo";
/** The token covers every tool but this one. */
export const UNCOVERED_TOOL = "get-tiny-image";

const TOKEN_DAYS = 90;
const RENEW_DAYS = 30;
const DAY_MS = 86_400_000;

export async function provision(options: {
  adminUrl: string;
  adminToken: string;
  dataDir: string;
}): Promise<Provided> {
  const admin = createAdminClient({ url: options.adminUrl, token: options.adminToken, timeoutMs: 30_000 });
  const file = join(options.dataDir, "demo.json");
  const kept = readKept(file) ?? {};
  if (!(await admin.tenants()).some(({ name }) => name === TENANT)) await admin.createTenant(TENANT);
  await providePolicy(admin);
  const sidecar = await provideSidecar(admin, kept);
  const token = await provideToken(admin, kept);
  writeKept(file, { ...sidecar, ...token });
  return {
    tenant: TENANT,
    credential: sidecar.credential,
    trustRoot: sidecar.trust_root,
    capabilityToken: token.token,
  };
}

async function providePolicy(admin: AdminClient): Promise<void> {
  try {
    await admin.activePolicy({ tenant: TENANT });
  } catch (caught) {
    if (toFault(caught).kind !== "not_found") throw caught;
    const rego_source = readDefaultPolicy();
    const draft = await admin.createDraft({
      name: "default",
      description: "The policy that comes with Postern.",
      rego_source,
      tenant: TENANT,
    });
    await admin.promote(draft.id, { tenant: TENANT });
  }
}

type Kept = Readonly<Record<string, unknown>>;

async function provideSidecar(admin: AdminClient, { sidecar_id, credential, trust_root }: Kept) {
  const { items } = await admin.sidecars({ tenant: TENANT, limit: 1000 });
  const isKnown = items.some((known) => known.sidecar_id === sidecar_id);
  if (
    isKnown &&
    typeof sidecar_id === "string" &&
    typeof credential === "string" &&
    typeof trust_root === "string"
  ) {
    return { sidecar_id, credential, trust_root };
  }
  const added = await admin.addSidecar({ tenant: TENANT, name: "local" });
  return { sidecar_id: added.sidecar_id, credential: added.credential, trust_root: added.trust_root };
}

async function provideToken(admin: AdminClient, { token, jti, expires_at }: Kept) {
  if (typeof token === "string" && typeof jti === "string" && typeof expires_at === "string") {
    const { items } = await admin.revocations({ tenant: TENANT, limit: 1000 });
    const lasts = Date.parse(expires_at) - Date.now() > RENEW_DAYS * DAY_MS;
    if (lasts && !items.some((revoked) => revoked.jti === jti)) return { token, jti, expires_at };
  }
  const minted = await admin.mint({
    subject: "demo-agent",
    tenant: TENANT,
    ttl_seconds: (TOKEN_DAYS * DAY_MS) / 1000,
    caveats: [{ type: "tool_deny", tools: [UNCOVERED_TOOL] }],
  });
  return { token: minted.token, jti: minted.jti, expires_at: minted.expires_at ?? "" };
}
