// Every way in which a call can be refused: one table, quoted by the docs, the audit events and the JSON-RPC errors.

/** The four checks in the order they run, and the guards around them. */
export const CHECKS = ["capability", "intent", "policy", "budget", "audit", "upstream"] as const;
export type Check = (typeof CHECKS)[number];

/**
 * JSON-RPC error codes that Postern emits. The specification reserves -32020 … -32099 (MCP 2026-07-28, basic/errors);
 * we stay between -32010 and -32019.
 */
export const ERROR_CODE = {
  capability: -32010,
  intent: -32011,
  policy: -32012,
  budget: -32013,
  approval_pending: -32014,
  /** The upstream is down, timed out or answered something that is not MCP. */
  upstream_unavailable: -32018,
  /** The call could not be recorded, so it was not made (P2). */
  audit_unavailable: -32019,
} as const;

/** Reason code → the sentence shown to the caller when the check gives none of its own. Codes are stable; sentences may improve. */
export const REASONS = {
  "capability.missing": "A capability token is required: send it as 'Authorization: Bearer <token>'.",
  "capability.malformed": "The capability token is not a well-formed Postern token.",
  "capability.unknown_key": "The capability token was signed by a key that this sidecar does not trust.",
  "capability.signature": "The capability token's signature does not verify.",
  "capability.caveat_unknown": "The capability token carries a caveat that this version does not know.",
  "capability.tenant": "The capability token belongs to another tenant.",
  "capability.expired": "The capability token has expired.",
  "capability.not_yet_valid": "The capability token is not valid yet.",
  "capability.revoked": "The capability token was revoked.",
  "capability.tool": "The capability token does not cover this tool.",
  "capability.agent": "The capability token is locked to another agent.",
  "capability.arguments": "The capability token does not cover these arguments.",
  "capability.upstream": "The capability token does not cover this upstream.",
  "capability.callee": "The capability token does not cover calling this agent.",
  "capability.stale": "Revocations could not be refreshed in time, so no token is accepted.",
  "capability.unavailable": "Capability tokens cannot be checked at the moment.",
  "intent.missing": "A declared intent is required: send the user's prompt as 'X-Intent-Prompt'.",
  "intent.malformed": "The declared intent is empty, too long or not text.",
  "intent.forbidden": "The declared intent forbids this tool.",
  "intent.not_allowed": "The declared intent does not call for this tool.",
  "intent.low_confidence": "The declared intent was not understood with enough confidence.",
  "intent.unavailable": "The declared intent could not be evaluated.",
  "policy.denied": "The tenant's policy denies this call.",
  "policy.none": "The tenant has no active policy, so every call is denied.",
  "policy.undefined": "The tenant's policy gave no decision for this call.",
  "policy.malformed": "The tenant's policy gave a decision of the wrong shape.",
  "policy.failed": "The tenant's policy failed while it was evaluated.",
  "policy.timeout": "The tenant's policy did not decide in time.",
  "policy.too_large": "The call is too large to be judged by a policy.",
  "policy.stale": "The tenant's policy could not be refreshed in time, so every call is denied.",
  "policy.obligation":
    "The tenant's policy attaches an obligation that cannot be met here, so the call is denied.",
  "policy.step_up": "The tenant's policy asks for a fresh second factor on this call.",
  "policy.escalated": "The tenant's policy asks for a person's approval of this call.",
  "budget.calls": "The number of calls granted by the capability token is used up.",
  "budget.rate": "The calls per minute granted by the capability token are used up.",
  "budget.cost": "The cost granted by the capability token is used up.",
  "budget.cost_unknown": "The capability token limits cost, but the policy gave no cost for this call.",
  "budget.sessions": "The capability token has as many sessions open as it may have: end one first.",
  "budget.streams": "The capability token has as many streams open as it may have: end one first.",
  "budget.unavailable": "The budget cannot be checked at the moment.",
  "audit.unavailable": "The call could not be recorded, so it was not made.",
  "upstream.unavailable": "The tool server cannot be reached.",
  "upstream.timeout": "The tool server did not answer in time; the call may have run.",
  "upstream.protocol": "The tool server's answer is not valid MCP.",
  internal: "The call could not be judged, so it was denied.",
} as const satisfies Record<string, string>;
export type ReasonCode = keyof typeof REASONS;

/** Why a check refused. `detail` is safe to show to the caller. */
export interface Reason {
  readonly code: ReasonCode;
  readonly detail: string;
}

/** A reason with its standard sentence, or with a more exact one. */
export function reason(code: ReasonCode, detail: string = REASONS[code]): Reason {
  return { code, detail };
}
