// What an approval is for: one exact call under one exact policy (P8). Whoever parks a call, keeps it, or takes its permission computes the same
// digest; a call that differs in anything has another one.
import { createHash } from "node:crypto";
import { canonicalize } from "@postern/audit";
import type { JsonObject } from "@postern/contracts";

export interface DigestedCall {
  readonly tenant: string;
  readonly agent: string;
  readonly method: string;
  readonly tool: string;
  readonly upstream: string;
  readonly args: JsonObject;
  /** SHA-256 of the policy's bundle, as its pointer names it. */
  readonly policySha256: string;
}

/**
 * SHA-256, hexadecimal, over the canonical form (RFC 8785) of the call. Names differ from call to call only in their values, so no two calls
 * share a form. Faults: invalid "audit.not_canonical" for arguments that have none.
 */
export function callDigest(call: DigestedCall): string {
  const { tenant, agent, method, tool, upstream, args, policySha256 } = call;
  const form = { v: 1, tenant, agent, method, tool, upstream, args, policy_sha256: policySha256 };
  return createHash("sha256").update(canonicalize(form)).digest("hex");
}
