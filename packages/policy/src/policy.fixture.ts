// For tests only: inputs, and bundles signed by a key of the test.
import type { JsonObject, KeyUse, PolicyInput } from "@postern/contracts";
import {
  createKeySet,
  generateKeyPair,
  importSigningKey,
  type KeySet,
  type SigningKey,
} from "@postern/signing";
import { type PackRequest, packBundle } from "./bundle.ts";
import { compileRego, type RegoSource } from "./compile.ts";
import { type OpenedBundle, openBundle } from "./open-bundle.ts";

/** The instant at which the bundles of a press are opened; they were made on that day and last ten years. */
export const OPENED_AT_MS: number = Date.UTC(2026, 0, 2);

export interface BundlePress {
  readonly key: SigningKey;
  readonly keys: KeySet;
  /** Compiles, packs and opens a policy. */
  open(source: RegoSource, options?: { tenant?: string; data?: JsonObject }): Promise<OpenedBundle>;
}

/** Makes bundles, each of the next revision. */
export async function createBundlePress(opaPath: string): Promise<BundlePress> {
  const { key, keys } = await signer("bundle");
  let revision = 0;
  return {
    key,
    keys,
    async open(source, { tenant = "acme", data = {} } = {}) {
      revision += 1;
      const compiled = await compileRego({ source, data, opaPath });
      const { bytes } = await packBundle({ ...stamps({ tenant, revision }), compiled, key });
      return openBundle(bytes, { keys, tenant, revisionMin: revision, nowMs: OPENED_AT_MS });
    },
  };
}

/** A fresh key and a key set that trusts it for one use. */
export async function signer(use: KeyUse): Promise<{ key: SigningKey; keys: KeySet }> {
  const { kid, publicKey, secretKey } = await generateKeyPair();
  const keys = createKeySet([{ kid, public_key: publicKey, use, status: "active" }]);
  return { key: await importSigningKey(secretKey), keys };
}

/** What a request to pack needs besides the policy and the key. */
export function stamps(changes: Partial<Omit<PackRequest, "compiled" | "key">> = {}) {
  const createdAt = "2026-01-02T00:00:00.000Z";
  return { tenant: "acme", revision: 1, createdAt, expiresAt: "2036-01-02T00:00:00.000Z", ...changes };
}

/** A call as a policy sees it. */
export function inputOf(changes: Partial<PolicyInput> = {}): PolicyInput {
  return {
    action: "call",
    tool: "read_file",
    args: {},
    agent_id: "agent-7",
    session_id: "session-1",
    upstream: "default",
    capability: {
      subject: "agent-7",
      issuer: "postern",
      tenant: "acme",
      token_id: "token-1",
      root_token_id: "token-1",
      caveat_count: 0,
      issued_at: "2026-01-02T00:00:00.000Z",
    },
    budget: {},
    time: { now: "2026-01-02T12:00:00.000Z", unix_ms: 1767355200000, hour: 12, minute: 0, weekday: 5 },
    remote_address: "127.0.0.1",
    request_id: "request-1",
    ...changes,
  };
}

/** A policy whose `decision` follows these lines of Rego. */
export function policyText(...lines: readonly string[]): string {
  return ["package intentgate.policy", ...lines, ""].join("\n\n");
}
