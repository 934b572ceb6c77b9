// Every way in which a call can be refused: one table, quoted by the docs, the audit events and the JSON-RPC errors.

/** The four checks in the order they run, and the guards around them. */
export const CHECKS = [
  "capability",
  "intent",
  "policy",
  "budget",
  "pin",
  "pii",
  "output_schema",
  "audit",
  "upstream",
] as const;
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
  /** Personal data or a secret that the policy lets neither pass nor redact, in the request or in the answer. */
  pii: -32015,
  /** The tool's answer does not fit the schema or the size that the policy sets. */
  output_schema: -32016,
  /** The tool's definition is not the one that was approved. */
  pin: -32017,
  /** The upstream is down, busy, timed out or answered something that is not MCP. */
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
  "capability.exchange": "The access token could not be exchanged for a capability.",
  "capability.state": "The request state was given to another caller, or for another tool.",
  "capability.halted": "A kill switch is on for this caller or this tool.",
  "capability.stale": "Revocations could not be refreshed in time, so no token is accepted.",
  "capability.unavailable": "Capability tokens cannot be checked at the moment.",
  "intent.missing": "A declared intent is required: send the user's prompt as 'X-Intent-Prompt'.",
  "intent.malformed": "The declared intent is empty, too long or not text.",
  "intent.forbidden": "The declared intent forbids this tool.",
  "intent.not_allowed": "The declared intent does not call for this tool.",
  "intent.low_confidence": "The declared intent was not understood with enough confidence.",
  "intent.provenance": "The memory that the call rests on was not written under this capability token.",
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
  "policy.rejected": "A person refused this call.",
  "policy.approval_expired": "Nobody approved this call in time, or the approval was not used in time.",
  "policy.approval_used": "The approval of this call was used already: it is for one call.",
  "policy.approval_unknown": "There is no such approval for this call.",
  "policy.approval_unavailable": "The call waits for a person's approval, and the queue cannot be reached.",
  "budget.calls": "The number of calls granted by the capability token is used up.",
  "budget.rate": "The calls per minute granted by the capability token are used up.",
  "budget.cost": "The cost granted by the capability token is used up.",
  "budget.cost_unknown": "The capability token limits cost, but the policy gave no cost for this call.",
  "budget.sessions": "The capability token has as many sessions open as it may have: end one first.",
  "budget.streams": "The capability token has as many streams open as it may have: end one first.",
  "budget.unavailable": "The budget cannot be checked at the moment.",
  "pin.changed": "The tool's definition has changed since it was approved, so it waits for approval.",
  "pin.unapproved": "The tool's definition was never approved, so it waits for approval.",
  "pin.shadowed": "Another upstream offers a tool of the same name, so this one waits for approval.",
  "pii.request": "The arguments hold personal data or secrets that the policy does not let pass.",
  "pii.response": "The answer holds personal data or secrets that the policy does not let pass.",
  "output_schema.violated": "The tool's answer does not fit the schema that the policy asks for.",
  "output_schema.too_large": "The tool's answer is larger than the policy allows.",
  "audit.unavailable": "The call could not be recorded, so it was not made.",
  "upstream.unavailable": "The tool server cannot be reached.",
  "upstream.busy": "The tool server is given as many calls at once as it may be; try again.",
  "upstream.circuit_open":
    "The tool server failed several times in a row and is left alone for a while; try again.",
  "upstream.timeout": "The tool server did not answer in time; the call may have run.",
  "upstream.protocol": "The tool server's answer is not valid MCP.",
  "capability.task": "There is no such task.",
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
