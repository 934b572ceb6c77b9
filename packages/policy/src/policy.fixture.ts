// For tests only: inputs, and bundles signed by a key of the test.
import type { Capability, JsonObject, KeyUse, PolicyInput } from "@postern/contracts";
import {
  createKeySet,
  generateKeyPair,
  importSigningKey,
  type KeySet,
  type SigningKey,
} from "@postern/signing";
import { type PackRequest, packBundle } from "./bundle.ts";
import { compileRego, type RegoSource } from "./compile.ts";
import { createInputWriter } from "./input-text.ts";
import { type OpenedBundle, openBundle } from "./open-bundle.ts";
import type { PolicyQuestion } from "./policy-input.ts";

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

/** A call, by default of an agent of its own name and nothing else that is special. */
export function questionOf({
  agent = "agent-7",
  ...changes
}: Partial<PolicyQuestion> & { readonly agent?: string } = {}): PolicyQuestion {
  return {
    action: "call",
    method: "tools/call",
    tool: "read_file",
    args: {},
    capability: holderOf(agent),
    intent: undefined,
    upstream: "default",
    sessionId: "session-1",
    remoteAddress: "127.0.0.1",
    requestId: "request-1",
    nowMs: Date.UTC(2026, 0, 2, 12),
    remaining: () => ({}),
    ...changes,
  };
}

/** A capability without caveats. */
export function holderOf(agent: string, changes: Partial<Capability> = {}): Capability {
  return {
    tenant: "acme",
    agent,
    issuer: "postern",
    jti: "token-1",
    rootJti: "token-1",
    parentJti: undefined,
    kid: "k4.pid.test",
    issuedAtMs: OPENED_AT_MS,
    notBeforeMs: undefined,
    expiresAtMs: undefined,
    stepUpAtMs: undefined,
    hops: [{ jti: "token-1", caveats: [] }],
    caveatCount: 0,
    ...changes,
  };
}

/** The whole input that a question makes. */
export function inputOf(question: PolicyQuestion): PolicyInput {
  const text = createInputWriter(["*"])(question);
  if (text === undefined) throw new Error("the question cannot be written");
  return JSON.parse(text) as PolicyInput;
}

/** A policy whose `decision` follows these lines of Rego. */
export function policyText(...lines: readonly string[]): string {
  return ["package intentgate.policy", ...lines, ""].join("\n\n");
}
