// From zod schemas to the JSON Schema of an OpenAPI document: named schemas become components and are referred to,
// and a schema that takes any JSON says just that.
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";

export type JsonSchema = Record<string, unknown>;
type Direction = "input" | "output";

export interface SchemaWriter {
  /** The schema as a request ("input") or a reply ("output") has it. */
  write(schema: z.ZodType, direction: Direction): JsonSchema;
  /** The fields of a request's object, for parameters. */
  fields(schema: z.ZodType): { properties: Record<string, JsonSchema>; required: readonly string[] };
  /** Every named schema that was referred to so far. */
  components(): Record<string, JsonSchema>;
}

const DEFINITION = "#/$defs/";

export function createSchemaWriter(named: Readonly<Record<string, z.ZodType>>): SchemaWriter {
  const names = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named)) names.add(schema, { id });
  const components = new Map<string, JsonSchema>();

  function write(schema: z.ZodType, direction: Direction): JsonSchema {
    const {
      $schema,
      $defs = {},
      ...root
    } = z.toJSONSchema(schema, {
      io: direction,
      unrepresentable: "any",
      metadata: names,
      override: describeOrOpen,
    });
    for (const [name, definition] of Object.entries($defs)) {
      if (!(name in named)) continue;
      const { id, ...component } = refer(definition, $defs);
      if (!isDeepStrictEqual(components.get(name) ?? component, component))
        throw new Error(`schema ${name} reads differently as request and as reply; name the two apart`);
      components.set(name, component);
    }
    return refer(root, $defs);
  }

  function refer(node: unknown, definitions: Readonly<Record<string, unknown>>): JsonSchema {
    return mapObjects(node, (object) => {
      const ref = object.$ref;
      if (typeof ref !== "string" || !ref.startsWith(DEFINITION)) return object;
      const name = ref.slice(DEFINITION.length);
      if (name in named) return { ...object, $ref: `#/components/schemas/${name}` };
      const definition = definitions[name];
      if (isDeepStrictEqual(definition, {})) return {};
      throw new Error("a schema that refers to itself must be named");
    }) as JsonSchema;
  }

  return {
    write,
    fields(schema) {
      const { properties = {}, required = [] } = write(schema, "input");
      return { properties: properties as Record<string, JsonSchema>, required: required as string[] };
    },
    components: () => Object.fromEntries([...components].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/**
 * Adds what a schema says of itself (`describe`, and with `meta` what no rule of the library can tell), writes patterns as every reader of JSON
 * Schema takes them, and opens `z.json()`, whose recursive spelling would tell a reader nothing.
 */
function describeOrOpen({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: JsonSchema }) {
  if (zodSchema._zod.def.type === "lazy") for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
  Object.assign(jsonSchema, z.globalRegistry.get(zodSchema));
  if (typeof jsonSchema.pattern === "string") jsonSchema.pattern = portable(jsonSchema.pattern);
  for (const part of Array.isArray(jsonSchema.allOf) ? jsonSchema.allOf : [])
    if (typeof part.pattern === "string") part.pattern = portable(part.pattern);
}

/**
 * The same pattern without classes that not every regular expression knows, or that mean more letters to some. Halves of surrogate pairs are in
 * no text. Raises an Error when something is left that not everybody reads.
 */
function portable(pattern: string): string {
  const plain = pattern
    .replaceAll("\\p{Cc}", "\\u0000-\\u001f\\u007f-\\u009f")
    .replaceAll("\\p{Cs}", "")
    .replaceAll(/(\[[^\]]*)?\\d/g, (_, inClass?: string) =>
      inClass === undefined ? "[0-9]" : `${inClass}0-9`,
    )
    .replaceAll(/(\[[^\]]*)?\\w/g, (_, inClass?: string) =>
      inClass === undefined ? "[A-Za-z0-9_]" : `${inClass}A-Za-z0-9_`,
    );
  if (/\\p\{|\[\^?\]/i.test(plain))
    throw new Error(`not every reader of JSON Schema takes the pattern ${pattern}`);
  return plain;
}

function mapObjects(node: unknown, map: (object: JsonSchema) => JsonSchema): unknown {
  if (Array.isArray(node)) return node.map((item) => mapObjects(item, map));
  if (typeof node !== "object" || node === null) return node;
  const entries = Object.entries(node).map(([key, value]) => [key, mapObjects(value, map)]);
  return map(Object.fromEntries(entries));
}
