// Kinds of trouble (not denials): closed, so that every edge must answer each of them.

export const FAULT_KINDS = [
  "invalid",
  "unauthenticated",
  "forbidden",
  "not_found",
  "conflict",
  "precondition",
  "too_large",
  "limited",
  "upstream",
  "unavailable",
  "internal",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];
