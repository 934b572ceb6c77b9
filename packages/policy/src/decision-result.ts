// What counts as a decision: a result set with exactly one result, an object of exactly the shape in `contracts`. OPA answers an
// undefined rule with an empty set, and nothing but a whole decision may ever be read as one.
import { PolicyDecision, type ReasonCode } from "@postern/contracts";

export type DecisionResult =
  | { readonly ok: true; readonly decision: PolicyDecision }
  | { readonly ok: false; readonly code: ReasonCode; readonly detail: string };

/** Of texts that a reader knows. */
const KNOWN_MAX = 256;
const KNOWN_CHARS_MAX = 4_096;

/** Reads result sets, and those of a text that it knows only once: decisions are few. What it gives is frozen. */
export function createDecisionReader(): (resultSetJson: string) => DecisionResult {
  const known = new Map<string, DecisionResult>();
  return (resultSetJson) => {
    const before = known.get(resultSetJson);
    if (before !== undefined) return before;
    const result = frozen(readDecision(resultSetJson));
    if (known.size >= KNOWN_MAX) known.clear();
    if (resultSetJson.length <= KNOWN_CHARS_MAX) known.set(resultSetJson, result);
    return result;
  };
}

/** Reads a result set in JSON, as OPA prints it. */
export function readDecision(resultSetJson: string): DecisionResult {
  const resultSet = parsed(resultSetJson);
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

/** As often as it is printed and read: threads print what they read, and a number beyond JavaScript's is null from then on. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(JSON.stringify(JSON.parse(text)));
  } catch {
    return undefined;
  }
}

function isResult(entry: unknown): entry is { readonly result: unknown } {
  if (typeof entry !== "object" || entry === null) return false;
  const names = Object.keys(entry);
  return names.length === 1 && names[0] === "result";
}

function malformed(detail: string): DecisionResult {
  return { ok: false, code: "policy.malformed", detail };
}

/** Many callers get the same object. */
function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  for (const member of Object.values(value)) frozen(member);
  return Object.freeze(value);
}
