// Carries a decision's obligations out, in an order in which none undoes another: named places are redacted and schemas strip before the
// filter looks at what is left, and the texts that mirror structured content follow at every step.
import { type JsonObject, type JsonValue, REASONS, type Reason, reason } from "@postern/contracts";
import { DEPTH_MAX, filterValue, isObject } from "./filter-value.ts";
import type { Obligations, RequestOutcome, ResponseOutcome } from "./obligations.ts";
import { applyOutputSchema, isDeeperThan, OUTPUT_SCHEMA, type OutputSchema } from "./output-schema.ts";
import { type Pass, startPass } from "./pass.ts";
import { type Pointer, redactAt } from "./pointer.ts";
import type { TextFilter } from "./text-filter.ts";
import { keepMirrors } from "./text-mirror.ts";

export const REDACT = "redact";

export interface ObligationParts {
  readonly filter: TextFilter | undefined;
  readonly schemas: readonly OutputSchema[];
  /** Places in the arguments. */
  readonly requestPaths: readonly Pointer[];
  /** Places in the result. */
  readonly responsePaths: readonly Pointer[];
  readonly responseBytesMax: number | undefined;
}

/** What an upstream's message may hold for the agent, at its top. */
const BODIES = ["result", "error", "params"];
/** Members of a result that the client must give back as they are, and shows to nobody. */
const OPAQUE = ["requestState", "nextCursor", "resultType"];

export function createObligations(parts: ObligationParts): Obligations {
  const { filter, schemas, requestPaths, responsePaths, responseBytesMax } = parts;

  function applyToRequest(args: JsonObject): RequestOutcome {
    const pass = startPass("request");
    const redacted = redactAll(args, requestPaths, pass);
    const filtered = filter === undefined ? redacted : filterValue(redacted, filter, pass);
    if (pass.isBlocked) return { ok: false, reason: findings("pii.request", pass), applied: pass.applied };
    return { ok: true, args: isObject(filtered) ? filtered : args, applied: pass.applied };
  }

  function applyToResponse(message: JsonObject): ResponseOutcome {
    const pass = startPass("response");
    const fitted = fitSchemas(message, pass);
    if ("violation" in fitted) {
      pass.note(OUTPUT_SCHEMA, "schema", "block");
      const why = reason(
        "output_schema.violated",
        `${REASONS["output_schema.violated"]} ${fitted.violation}`,
      );
      return { ok: false, reason: why, applied: pass.applied };
    }
    let current = fitted.message;
    if (responsePaths.length > 0 && isDeeperThan(current, DEPTH_MAX)) pass.note(REDACT, "depth", "block");
    if (responsePaths.length > 0 && !pass.isBlocked)
      current = inResult(current, (result) => redactAll(result, responsePaths, pass));
    if (filter !== undefined) current = filterBodies(current, filter, pass);
    if (pass.isBlocked) return { ok: false, reason: findings("pii.response", pass), applied: pass.applied };
    return { ok: true, message: current, applied: pass.applied };
  }

  function fitSchemas(message: JsonObject, pass: Pass): { message: JsonObject } | { violation: string } {
    let current = message;
    for (const schema of schemas) {
      const fitted = applyOutputSchema(current, schema, pass);
      if ("violation" in fitted) return fitted;
      current = fitted.message;
    }
    return { message: current };
  }

  return {
    applyToRequest,
    applyToResponse,
    inspectsRequest: filter !== undefined || requestPaths.length > 0,
    inspectsResponse: filter !== undefined || schemas.length > 0 || responsePaths.length > 0,
    responseBytesMax,
  };
}

function redactAll(value: JsonObject, pointers: readonly Pointer[], pass: Pass): JsonObject {
  let current: JsonValue = value;
  for (const pointer of pointers)
    current = redactAt(current, pointer, () => pass.note(REDACT, "path", "redact"));
  return isObject(current) ? current : value;
}

/** The message with its result changed, and with the texts in it that mirror the structured content. */
function inResult(message: JsonObject, change: (result: JsonObject) => JsonObject): JsonObject {
  const { result } = message;
  if (!isObject(result)) return message;
  const changed = change(result);
  return changed === result ? message : { ...message, result: keepMirrors(result, changed) };
}

function filterBodies(message: JsonObject, filter: TextFilter, pass: Pass): JsonObject {
  const changes = BODIES.flatMap((name) => {
    const body = message[name];
    if (body === undefined || name === "result") return [];
    const filtered = filterValue(body, filter, pass);
    return filtered === body ? [] : [[name, filtered] as const];
  });
  const filtered = changes.length === 0 ? message : { ...message, ...Object.fromEntries(changes) };
  const { result } = message;
  if (result === undefined) return filtered;
  if (!isObject(result)) {
    const value = filterValue(result, filter, pass);
    return value === result ? filtered : { ...filtered, result: value };
  }
  return inResult(filtered, (whole) => filterResult(whole, filter, pass));
}

function filterResult(result: JsonObject, filter: TextFilter, pass: Pass): JsonObject {
  const opaque = Object.entries(result).filter(
    ([name, value]) => OPAQUE.includes(name) && typeof value === "string",
  );
  if (opaque.length === 0) return filterObject(result, filter, pass);
  const looked = Object.fromEntries(
    Object.entries(result).filter(([name]) => !opaque.some(([own]) => own === name)),
  );
  const filtered = filterObject(looked, filter, pass);
  return filtered === looked ? result : { ...filtered, ...Object.fromEntries(opaque) };
}

function filterObject(object: JsonObject, filter: TextFilter, pass: Pass): JsonObject {
  const filtered = filterValue(object, filter, pass);
  return isObject(filtered) ? filtered : object;
}

/** The sentence names the classes that blocked: classes of the policy, never what was found. */
function findings(code: "pii.request" | "pii.response", pass: Pass): Reason {
  return reason(code, `${REASONS[code]} Found: ${pass.blocking.join(", ")}.`);
}
