// What counts as a decision: a result set with exactly one result, an object of exactly the shape in `contracts`. OPA answers an
// undefined rule with an empty set, and nothing but a whole decision may ever be read as one.
import { PolicyDecision, type ReasonCode } from "@postern/contracts";

export type DecisionResult =
  | { readonly ok: true; readonly decision: PolicyDecision }
  | { readonly ok: false; readonly code: ReasonCode; readonly detail: string };

/** Reads a result set in JSON, as opa-wasm gives it. */
export function readDecision(resultSetJson: string): DecisionResult {
  const resultSet: unknown = JSON.parse(resultSetJson);
  if (!Array.isArray(resultSet)) return malformed("the result is not a list");
  if (resultSet.length === 0) return { ok: false, code: "policy.undefined", detail: "decision is undefined" };
  const [entry] = resultSet as unknown[];
  if (resultSet.length > 1 || !isResult(entry)) return malformed("there is not exactly one result");
  const decision = PolicyDecision.safeParse(entry.result);
  if (decision.success) return { ok: true, decision: decision.data };
  const issues = decision.error.issues.map(
    ({ path, message }) => `${["decision", ...path].join(".")}: ${message}`,
  );
  return malformed(issues.join("; "));
}

function isResult(entry: unknown): entry is { readonly result: unknown } {
  if (typeof entry !== "object" || entry === null) return false;
  const names = Object.keys(entry);
  return names.length === 1 && names[0] === "result";
}

function malformed(detail: string): DecisionResult {
  return { ok: false, code: "policy.malformed", detail };
}
