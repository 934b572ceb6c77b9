// Which JSON Schemas (2020-12) a policy may attach: bounded in size and depth, closed in vocabulary, and whole in themselves. A reference to
// anything outside the schema, an unknown keyword or an expression that RE2 cannot read is a problem, never a guess.
import type { JsonObject, JsonValue } from "@postern/contracts";
import { isList, isObject } from "./filter-value.ts";
import { compileSchemaPattern } from "./linear-pattern.ts";

export type Schema = boolean | JsonObject;

const CHARACTERS_MAX = 65_536;
const DEPTH_MAX = 64;
const SCHEMAS_MAX = 2_000;
const PATTERN_LENGTH_MAX = 512;
const DIALECT = "https://json-schema.org/draft/2020-12/schema";

const HOLDS_SCHEMA = new Set(
  "additionalProperties contains else if items not propertyNames then unevaluatedItems unevaluatedProperties".split(
    " ",
  ),
);
const HOLDS_LIST = new Set(["allOf", "anyOf", "oneOf", "prefixItems"]);
const HOLDS_MAP = new Set(["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"]);
/** Keywords that only describe: a schema of nothing else lets everything through. */
const ANNOTATIONS = new Set(
  "$comment $defs $schema default definitions deprecated description examples format readOnly title writeOnly".split(
    " ",
  ),
);
const ASSERTIONS = new Set(
  (
    "$ref const dependentRequired enum exclusiveMaximum exclusiveMinimum maxContains maxItems maxLength maxProperties maximum minContains " +
    "minItems minLength minProperties minimum multipleOf pattern required type uniqueItems"
  ).split(" "),
);

interface Census {
  schemas: number;
  readonly root: Schema;
}

/** What is wrong with `schema`; undefined when nothing is. */
export function schemaProblem(schema: JsonValue): string | undefined {
  if (typeof schema !== "boolean" && !isObject(schema)) return "is neither an object nor a boolean";
  const problem = problemIn(schema, "#", 0, { schemas: 0, root: schema });
  if (problem !== undefined) return problem;
  return JSON.stringify(schema).length > CHARACTERS_MAX
    ? `is longer than ${CHARACTERS_MAX} characters`
    : undefined;
}

function problemIn(
  schema: JsonValue | undefined,
  at: string,
  depth: number,
  census: Census,
): string | undefined {
  if (typeof schema === "boolean") return undefined;
  if (!isObject(schema)) return `is no schema at ${at}`;
  census.schemas += 1;
  if (census.schemas > SCHEMAS_MAX) return `holds more than ${SCHEMAS_MAX} schemas`;
  if (depth > DEPTH_MAX) return `is nested deeper than ${DEPTH_MAX}`;
  for (const [keyword, value] of Object.entries(schema)) {
    const problem =
      keywordProblem(keyword, value, at, census) ?? nestedProblem(keyword, value, at, depth, census);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function keywordProblem(keyword: string, value: JsonValue, at: string, census: Census): string | undefined {
  if (keyword === "$schema" && (at !== "#" || value !== DIALECT))
    return `may name no dialect but ${DIALECT}, at its root`;
  if (keyword === "$ref" && resolve(census.root, value) === undefined) {
    return `refers at ${at} to something that is not in it; only "#" and "#/…" are read`;
  }
  if (keyword === "pattern") return patternProblem(value, at);
  if (keyword === "patternProperties" && isObject(value)) {
    return Object.keys(value)
      .map((pattern) => patternProblem(pattern, at))
      .find((problem) => problem !== undefined);
  }
  const isKnown = [HOLDS_SCHEMA, HOLDS_LIST, HOLDS_MAP, ANNOTATIONS, ASSERTIONS].some((set) =>
    set.has(keyword),
  );
  return isKnown ? undefined : `has the unknown keyword "${keyword}" at ${at}`;
}

function patternProblem(pattern: JsonValue, at: string): string | undefined {
  if (typeof pattern !== "string" || pattern.length > PATTERN_LENGTH_MAX) {
    return `has a pattern at ${at} that is no text of at most ${PATTERN_LENGTH_MAX} characters`;
  }
  const compiled = compileSchemaPattern(pattern);
  return compiled.ok ? undefined : `has a pattern at ${at} that cannot be used: ${compiled.problem}`;
}

function nestedProblem(
  keyword: string,
  value: JsonValue,
  at: string,
  depth: number,
  census: Census,
): string | undefined {
  const inside = (child: JsonValue | undefined, path: string) =>
    problemIn(child, `${at}/${path}`, depth + 1, census);
  if (HOLDS_SCHEMA.has(keyword)) return inside(value, keyword);
  if (HOLDS_LIST.has(keyword)) {
    if (!isList(value)) return `holds no list under "${keyword}" at ${at}`;
    return firstProblem(value.entries(), (item, index) => inside(item, `${keyword}/${index}`));
  }
  if (!HOLDS_MAP.has(keyword)) return undefined;
  if (!isObject(value)) return `holds no object under "${keyword}" at ${at}`;
  if (Object.hasOwn(value, "__proto__")) return `defines "__proto__" at ${at}`;
  return firstProblem(Object.entries(value), (item, name) => inside(item, `${keyword}/${name}`));
}

function firstProblem<Key>(
  entries: Iterable<readonly [Key, JsonValue]>,
  problemOf: (item: JsonValue, key: Key) => string | undefined,
): string | undefined {
  for (const [key, item] of entries) {
    const problem = problemOf(item, key);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** The schema that `reference` ("#" or "#/…", a JSON Pointer as a URI fragment) names within `root`. */
export function resolve(root: Schema, reference: JsonValue): Schema | undefined {
  if (typeof reference !== "string" || !/^#(\/|$)/.test(reference)) return undefined;
  let found: JsonValue | undefined = root;
  for (const segment of reference.split("/").slice(1)) {
    const name = decode(segment);
    if (isList(found)) found = found[Number(name)];
    else found = isObject(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  }
  return typeof found === "boolean" || isObject(found) ? found : undefined;
}

function decode(segment: string): string {
  const text = /%(?![0-9A-Fa-f]{2})/.test(segment) ? segment : decodeBytes(segment);
  return text.replaceAll("~1", "/").replaceAll("~0", "~");
}

function decodeBytes(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** Whether a schema lets everything through: `true`, `{}`, or nothing but annotations. */
export function isOpen(schema: Schema): boolean {
  return (
    schema === true || (isObject(schema) && Object.keys(schema).every((keyword) => ANNOTATIONS.has(keyword)))
  );
}
