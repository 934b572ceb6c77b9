// Removes from a value what its schema does not describe: properties and items that no applicable subschema names. `true` and `{}` describe
// anything; a schema that is silent about further properties or items describes none. Of alternatives (`anyOf`, `oneOf`, `then`, `else`)
// every branch counts, so what only another branch names stays.
import { isDeepStrictEqual } from "node:util";
import type { JsonObject, JsonValue } from "@postern/contracts";
import { isList, isObject } from "./filter-value.ts";
import { compileSchemaPattern, type LinearPattern } from "./linear-pattern.ts";
import { isOpen, resolve, type Schema } from "./schema-form.ts";

export interface Stripper {
  /** `value` without what is not described, the same value when that is nothing; `onStrip` hears of each thing removed. */
  strip(value: JsonValue, onStrip: () => void): JsonValue;
}

const BRANCHES = ["allOf", "anyOf", "oneOf"];
const CONDITIONS = ["then", "else"];

export function createStripper(root: Schema): Stripper {
  const patterns = new Map<string, LinearPattern | undefined>();
  const expansions = new Map<Schema, readonly JsonObject[]>();

  function strip(value: JsonValue, schemas: readonly Schema[], onStrip: () => void): JsonValue {
    const targets = schemas.map((schema) => dereference(root, schema));
    if (typeof value !== "object" || value === null || targets.some(isOpen)) return value;
    const all =
      targets.length === 1 && targets[0] !== undefined ? expand(targets[0]) : targets.flatMap(expand);
    if (all.some((schema) => isNamed(schema, value))) return value;
    return isList(value) ? stripList(value, all, onStrip) : stripObject(value as JsonObject, all, onStrip);
  }

  function stripObject(object: JsonObject, schemas: readonly JsonObject[], onStrip: () => void): JsonObject {
    let isChanged = false;
    const entries: [string, JsonValue][] = [];
    for (const [name, value] of Object.entries(object)) {
      const describing = ofProperty(schemas, name);
      if (describing.length === 0) {
        isChanged = true;
        onStrip();
        continue;
      }
      const stripped = strip(value, describing, onStrip);
      isChanged ||= stripped !== value;
      entries.push([name, stripped]);
    }
    return isChanged ? Object.fromEntries(entries) : object;
  }

  function stripList(list: readonly JsonValue[], schemas: readonly JsonObject[], onStrip: () => void) {
    let isChanged = false;
    const items: JsonValue[] = [];
    for (const [at, item] of list.entries()) {
      const describing = ofItem(schemas, at);
      if (describing.length === 0) {
        isChanged = true;
        onStrip();
        continue;
      }
      const stripped = strip(item, describing, onStrip);
      isChanged ||= stripped !== item;
      items.push(stripped);
    }
    return isChanged ? items : list;
  }

  function ofProperty(schemas: readonly JsonObject[], name: string): Schema[] {
    const found = schemas.flatMap((schema) => {
      const own = [memberOf(schema.properties, name), ...matching(schema.patternProperties, name)];
      const named = own.filter((child) => child !== undefined);
      return named.length > 0 ? named : described([schema.additionalProperties]);
    });
    return described(found.length > 0 ? found : schemas.map((schema) => schema.unevaluatedProperties));
  }

  function matching(byPattern: JsonValue | undefined, name: string): (JsonValue | undefined)[] {
    if (!isObject(byPattern)) return [];
    return Object.keys(byPattern)
      .filter((source) => patternOf(source)?.test(name) === true)
      .map((source) => byPattern[source]);
  }

  function patternOf(source: string): LinearPattern | undefined {
    if (!patterns.has(source)) {
      const compiled = compileSchemaPattern(source);
      patterns.set(source, compiled.ok ? compiled.pattern : undefined);
    }
    return patterns.get(source);
  }

  /** A schema with all that apply to the same value: what it refers to, its branches, its conditions. */
  function expand(schema: Schema): readonly JsonObject[] {
    const known = expansions.get(schema);
    if (known !== undefined) return known;
    const all = new Set<JsonObject>();
    const waiting: (JsonValue | undefined)[] = [schema];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (!isObject(next) || all.has(next)) continue;
      all.add(next);
      if (next.$ref !== undefined) waiting.push(resolve(root, next.$ref) ?? false);
      for (const keyword of BRANCHES) waiting.push(...listOf(next[keyword]));
      for (const keyword of CONDITIONS) waiting.push(next[keyword] ?? false);
      const dependent = next.dependentSchemas;
      if (isObject(dependent)) waiting.push(...Object.values(dependent));
    }
    const expansion = [...all];
    expansions.set(schema, expansion);
    return expansion;
  }

  return { strip: (value, onStrip) => strip(value, [root], onStrip) };
}

/** Follows a schema that is nothing but a reference. */
function dereference(root: Schema, schema: Schema): Schema {
  let target = schema;
  for (let left = 16; left > 0 && isObject(target); left -= 1) {
    const reference = target.$ref;
    if (reference === undefined || Object.keys(target).length > 1) break;
    target = resolve(root, reference) ?? false;
  }
  return target;
}

/** Whether `const` or `enum` names exactly this value. */
function isNamed(schema: JsonObject, value: JsonValue): boolean {
  if (Object.hasOwn(schema, "const")) return isDeepStrictEqual(schema.const, value);
  return listOf(schema.enum).some((named) => isDeepStrictEqual(named, value));
}

function ofItem(schemas: readonly JsonObject[], at: number): Schema[] {
  const found = schemas.flatMap((schema) => {
    const own = listOf(schema.prefixItems)[at] ?? schema.items;
    return own === undefined ? [] : [own];
  });
  return described(found.length > 0 ? found : schemas.map((schema) => schema.unevaluatedItems));
}

const listOf = (value: JsonValue | undefined): readonly JsonValue[] => (isList(value) ? value : []);

const memberOf = (value: JsonValue | undefined, name: string): JsonValue | undefined =>
  isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;

/** Those that are there and let something through. */
const described = (schemas: readonly (JsonValue | undefined)[]): Schema[] =>
  schemas.filter((schema): schema is Schema => schema === true || isObject(schema));
