// From a policy's decision to what must be done. Every type, parameter and class is known or the answer is a problem, which is a denial: an
// obligation that is half understood is not met. Decisions repeat, so what was compiled is remembered.
import { type JsonObject, type JsonValue, PiiFilter, type PolicyDecision } from "@postern/contracts";
import { compileFilter } from "./compile-filter.ts";
import { createObligations, type ObligationParts, REDACT } from "./create-obligations.ts";
import { isList } from "./filter-value.ts";
import type { Obligations } from "./obligations.ts";
import { compileOutputSchema, OUTPUT_SCHEMA, type OutputSchema, unknownProblem } from "./output-schema.ts";
import { type Pointer, parsePointer } from "./pointer.ts";
import { RESPONSE_LIMIT } from "./response-limit.ts";
import { FILTER } from "./text-filter.ts";

/** What a policy may ask for; "pii_filter" stands for the decision's own field as well. */
export const SUPPORTED_OBLIGATIONS: ReadonlySet<string> = new Set([
  FILTER,
  OUTPUT_SCHEMA,
  RESPONSE_LIMIT,
  REDACT,
]);

export type CompiledObligations =
  | { readonly ok: true; readonly obligations: Obligations | undefined }
  | { readonly ok: false; readonly problem: string };

const NOTHING: CompiledObligations = { ok: true, obligations: undefined };
const CHARACTERS_MAX = 131_072;
const REMEMBERED_MAX = 128;
const PATHS_MAX = 64;

const byDecision = new WeakMap<PolicyDecision, CompiledObligations>();
const byText = new Map<string, CompiledObligations>();

/**
 * The obligations of a decision, undefined when it has none. A problem is a sentence for the policy's author, safe to show to the caller; the
 * call has to be denied (`policy.obligation`).
 */
export function compileObligations(decision: PolicyDecision): CompiledObligations {
  if (decision.pii_filter?.enabled !== true && (decision.obligations ?? []).length === 0) return NOTHING;
  const known = byDecision.get(decision);
  if (known !== undefined) return known;
  const text = JSON.stringify([decision.pii_filter, decision.obligations]);
  const compiled = byText.get(text) ?? compile(decision, text);
  byText.delete(text);
  byText.set(text, compiled);
  const [oldest] = byText.keys();
  if (byText.size > REMEMBERED_MAX && oldest !== undefined) byText.delete(oldest);
  byDecision.set(decision, compiled);
  return compiled;
}

interface Draft {
  readonly filters: PiiFilter[];
  readonly schemas: OutputSchema[];
  readonly requestPaths: Pointer[];
  readonly responsePaths: Pointer[];
  responseBytesMax: number | undefined;
}

function compile(decision: PolicyDecision, text: string): CompiledObligations {
  if (text.length > CHARACTERS_MAX)
    return problem("obligations", `are longer than ${CHARACTERS_MAX} characters`);
  const own = decision.pii_filter === undefined ? [] : [decision.pii_filter];
  const draft: Draft = {
    filters: own,
    schemas: [],
    requestPaths: [],
    responsePaths: [],
    responseBytesMax: undefined,
  };
  for (const { type, parameters } of decision.obligations ?? []) {
    const found = add(draft, type, parameters ?? {});
    if (found !== undefined) return problem(type, found);
  }
  const filter = compileFilter(draft.filters);
  if (!filter.ok) return filter;
  const parts = { ...draft, filter: filter.filter };
  return isNothing(parts) ? NOTHING : { ok: true, obligations: createObligations(parts) };
}

const problem = (type: string, sentence: string): CompiledObligations => ({
  ok: false,
  problem: `${type}: ${sentence}`,
});

const isNothing = ({
  filter,
  schemas,
  requestPaths,
  responsePaths,
  responseBytesMax,
}: ObligationParts): boolean =>
  filter === undefined &&
  schemas.length + requestPaths.length + responsePaths.length === 0 &&
  responseBytesMax === undefined;

/** Adds one obligation to the draft, or says what is wrong with it. */
function add(draft: Draft, type: string, parameters: JsonObject): string | undefined {
  if (type === FILTER) return addFilter(draft, parameters);
  if (type === OUTPUT_SCHEMA) return addSchema(draft, parameters);
  if (type === RESPONSE_LIMIT) return addLimit(draft, parameters);
  return type === REDACT ? addPaths(draft, parameters) : "is no obligation that is known";
}

function addFilter(draft: Draft, parameters: JsonObject): string | undefined {
  const filter = PiiFilter.safeParse({ enabled: true, ...parameters });
  if (!filter.success)
    return filter.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
  draft.filters.push(filter.data);
  return undefined;
}

function addSchema(draft: Draft, parameters: JsonObject): string | undefined {
  const compiled = compileOutputSchema(parameters);
  if (!compiled.ok) return compiled.problem;
  draft.schemas.push(compiled.schema);
  return undefined;
}

function addLimit(draft: Draft, parameters: JsonObject): string | undefined {
  const { bytes_max, ...others } = parameters;
  if (typeof bytes_max !== "number" || !Number.isSafeInteger(bytes_max) || bytes_max < 1) {
    return "bytes_max is not a whole number above 0";
  }
  draft.responseBytesMax = Math.min(bytes_max, draft.responseBytesMax ?? bytes_max);
  return unknownProblem(others);
}

function addPaths(draft: Draft, parameters: JsonObject): string | undefined {
  const { paths = [], response_paths = [], ...others } = parameters;
  return (
    unknownProblem(others) ??
    pathsProblem("paths", paths, draft.requestPaths) ??
    pathsProblem("response_paths", response_paths, draft.responsePaths)
  );
}

function pathsProblem(name: string, paths: JsonValue, pointers: Pointer[]): string | undefined {
  if (!isList(paths) || paths.length > PATHS_MAX)
    return `${name} is not a list of at most ${PATHS_MAX} JSON Pointers`;
  for (const path of paths) {
    const pointer = typeof path === "string" ? parsePointer(path) : undefined;
    if (pointer === undefined)
      return `${name} holds ${JSON.stringify(path)}, which is no JSON Pointer to a place within`;
    pointers.push(pointer);
  }
  return undefined;
}
