// Validates values against a policy's schema (JSON Schema 2020-12, through ajv) in bounded time: expressions run on RE2, `uniqueItems` sorts
// instead of comparing all pairs, and following references is metered, because a schema of ten lines can ask for 2^n steps. ajv is loaded
// when the first schema is compiled.
import { createRequire } from "node:module";
import type { JsonObject, JsonValue } from "@postern/contracts";
import { Fault } from "@postern/fault";
import type { Ajv2020 as Ajv } from "ajv/dist/2020.js";
import { isList, isObject } from "./filter-value.ts";
import { compileSchemaPattern } from "./linear-pattern.ts";
import type { Schema } from "./schema-form.ts";

const load = createRequire(import.meta.url);

const REFERENCES_MAX = 250_000;
const METER = "posternMeter";

export interface Validator {
  /** Why `value` does not fit, told by the schema and never by the value; undefined when it fits. */
  violationOf(value: JsonValue): string | undefined;
}

export type ValidatorResult =
  | { readonly ok: true; readonly validator: Validator }
  | { readonly ok: false; readonly problem: string };

/** Takes a schema in which `schemaProblem` found nothing. */
export function compileValidator(schema: Schema): ValidatorResult {
  const meter = { left: 0 };
  const ajv = createAjv(meter);
  try {
    if (judge().validateSchema(schema) !== true)
      return { ok: false, problem: judge().errorsText(judge().errors) };
    const validate = ajv.compile(withMeters(schema));
    const violationOf = (value: JsonValue): string | undefined => {
      meter.left = REFERENCES_MAX;
      try {
        if (validate(value)) return undefined;
      } catch {
        return "the answer takes too many steps to validate";
      }
      const [error] = validate.errors ?? [];
      return error === undefined ? "the schema" : `${error.keyword} at ${error.schemaPath}`;
    };
    return { ok: true, validator: { violationOf } };
  } catch (caught) {
    return { ok: false, problem: caught instanceof Error ? caught.message : "the schema cannot be compiled" };
  }
}

/** Validates schemas themselves. One for all, because the schema of schemas is slow to compile; it keeps nothing of what it judged. */
let schemaJudge: Ajv | undefined;
function judge(): Ajv {
  schemaJudge ??= createAjv({ left: 0 }, true);
  return schemaJudge;
}

function createAjv(meter: { left: number }, judgesSchemas: boolean = false): Ajv {
  const { Ajv2020 } = load("ajv/dist/2020.js") as typeof import("ajv/dist/2020.js");
  const ajv = new Ajv2020({
    strict: false,
    strictSchema: !judgesSchemas,
    validateFormats: false,
    validateSchema: false,
    meta: judgesSchemas,
    logger: false,
    ownProperties: true,
    inlineRefs: false,
    code: { regExp: Object.assign(linearRegExp, { code: "linearRegExp" }) },
  });
  ajv.removeKeyword("uniqueItems");
  ajv.addKeyword({
    keyword: "uniqueItems",
    type: "array",
    schemaType: "boolean",
    validate: areUnique,
    errors: false,
  });
  ajv.addKeyword({
    keyword: METER,
    schemaType: "boolean",
    before: "$ref",
    errors: false,
    validate: () => {
      meter.left -= 1;
      if (meter.left < 0)
        throw new Fault("limited", "schema.references", "Too many references were followed.");
      return true;
    },
  });
  return ajv;
}

function linearRegExp(source: string): { test(text: string): boolean; toString(): string } {
  const compiled = compileSchemaPattern(source);
  if (!compiled.ok)
    throw new Fault("invalid", "schema.pattern", `The expression cannot be used: ${compiled.problem}`);
  return { test: (text) => compiled.pattern.test(text), toString: () => source };
}

const areUnique = (isAsked: boolean, items: readonly JsonValue[]): boolean =>
  !isAsked || new Set(items.map(canonical)).size === items.length;

function canonical(value: JsonValue): string {
  if (isList(value)) return `[${value.map(canonical).join()}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name] ?? null)}`).join()}}`;
}

/** A copy in which every reference is metered. What is data in a schema (`const`, `enum`, …) stays as it is. */
function withMeters(schema: Schema): Schema {
  return isObject(schema) ? (metered(schema) as JsonObject) : schema;
}

function metered(value: JsonValue): JsonValue {
  if (isList(value)) return value.map(metered);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([name, child]): [string, JsonValue] =>
    ["const", "default", "enum", "examples"].includes(name) ? [name, child] : [name, metered(child)],
  );
  return Object.fromEntries(typeof value.$ref === "string" ? [...entries, [METER, true]] : entries);
}
