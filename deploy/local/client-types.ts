// packages/client/src/admin-operations.generated.ts: what each operation of the admin door takes and answers, as types, made from the OpenAPI
// document of the very rows that serve it. The document says less than JSON Schema could; what it does not say has no translation here.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { interfaceDocument } from "../../apps/control-plane/src/surfaces/document.ts";

type Schema = Readonly<Record<string, unknown>>;
type Direction = "taken" | "answered";

interface OperationObject {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}
interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly required: boolean;
  readonly schema: Schema;
  readonly description?: string;
}
type Content = Readonly<Record<string, { readonly schema?: Schema }>>;

const HEAD = `// Made from the endpoint rows of the control plane by deploy/local/generate.ts; not to be edited.
`;
const PREFIX = "/v1/admin/";
const REFERENCE = "#/components/schemas/";

/** The file's text. */
export function clientTypes(): string {
  const document = interfaceDocument() as {
    paths: Record<string, Record<string, OperationObject>>;
    components: { schemas: Record<string, Schema> };
  };
  const { schemas } = document.components;
  const operations = Object.entries(document.paths)
    .filter(([path]) => path.startsWith(PREFIX))
    .flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
    );
  const types = operations.map(
    ({ operation }) => `${comment(operation.summary)}${typeOfOperation(operation)}`,
  );
  const rows = operations.map(({ path, method, operation }) => {
    const row = { method, path, ...answerOf(successOf(operation), schemas) };
    return `${operation.operationId}: ${JSON.stringify(row)},`;
  });
  const operationTypes = `export interface AdminOperations {\n${types.join("\n")}\n}\n`;
  // What the document names has its name from the contracts.
  const named = [...Object.keys(schemas), "JsonValue"].filter((name) =>
    new RegExp(`\\b${name}\\b`).test(operationTypes),
  );
  const imports = `import type { ${named.join(", ")} } from "@postern/contracts";\n`;
  const table = `export const ADMIN_OPERATIONS = {\n${rows.join("\n")}\n} as const;\n`;
  return formatted([HEAD + imports, operationTypes, table].join("\n"));
}

function formatted(text: string): string {
  const biome = join(import.meta.dirname, "..", "..", "node_modules", ".bin", "biome");
  const options = { input: text, encoding: "utf8", maxBuffer: 64 * 1_048_576 } as const;
  return execFileSync(biome, ["format", "--stdin-file-path=operations.ts"], options);
}

function typeOfOperation(operation: OperationObject): string {
  const input = ["path", "query"].flatMap((place) => {
    const fields = (operation.parameters ?? []).filter((each) => each.in === place);
    if (fields.length === 0) return [];
    const isRequired = fields.some(({ required }) => required);
    const properties = fields.map(({ name, required, schema, description }) =>
      property(name, { ...schema, ...(description === undefined ? {} : { description }) }, required, "taken"),
    );
    return [`${place === "path" ? "params" : place}${isRequired ? "" : "?"}: { ${properties.join(" ")} };`];
  });
  const { requestBody } = operation;
  if (requestBody !== undefined) {
    const type = typeOf(requestBody.content["application/json"]?.schema ?? {}, "taken");
    input.push(requestBody.required ? `body: ${type};` : `body?: ${type} | undefined;`);
  }
  const replies = successOf(operation).map((content) =>
    content === undefined
      ? "undefined"
      : isJson(content)
        ? typeOf(content["application/json"]?.schema ?? {}, "answered")
        : "string",
  );
  const reply = [...new Set(replies)].join(" | ");
  const taken = input.length === 0 ? "Record<string, never>" : `{ ${input.join(" ")} }`;
  return `${operation.operationId}: { input: ${taken}; reply: ${reply} };`;
}

const successOf = ({ responses }: OperationObject) =>
  Object.entries(responses).flatMap(([status, { content }]) => (status.startsWith("2") ? [content] : []));

/** Only what is JSON whatever is asked for is read as JSON. */
const isJson = (content: Content) => Object.keys(content).join() === "application/json";

/** What every answer has, as far as a reader has to rely on it: the fields of the object, or of each item of the list. */
function answerOf(contents: readonly (Content | undefined)[], schemas: Readonly<Record<string, Schema>>) {
  const [content] = contents;
  if (content === undefined) return { answer: "nothing", fields: [] };
  if (!isJson(content)) return { answer: "text", fields: [] };
  const schema = content["application/json"]?.schema ?? {};
  return schema.type === "array"
    ? { answer: "list", fields: alwaysIn(schema.items as Schema, schemas) }
    : { answer: "object", fields: alwaysIn(schema, schemas) };
}

function alwaysIn(schema: Schema, schemas: Readonly<Record<string, Schema>>): string[] {
  if (typeof schema.$ref === "string")
    return alwaysIn(schemas[schema.$ref.slice(REFERENCE.length)] ?? {}, schemas);
  const either = (schema.anyOf ?? schema.oneOf) as readonly Schema[] | undefined;
  if (either === undefined) return [...((schema.required ?? []) as string[])];
  const [first = [], ...others] = either.map((each) => alwaysIn(each, schemas));
  return first.filter((name) => others.every((names) => names.includes(name)));
}

function typeOf(schema: Schema, direction: Direction): string {
  if (typeof schema.$ref === "string") return schema.$ref.slice(REFERENCE.length);
  if ("const" in schema) return JSON.stringify(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const either = (schema.anyOf ?? schema.oneOf) as readonly Schema[] | undefined;
  if (either !== undefined) return `(${either.map((each) => typeOf(each, direction)).join(" | ")})`;
  switch (schema.type) {
    case "string":
    case "boolean":
    case "null":
      return schema.type;
    case "integer":
    case "number":
      return "number";
    case "array": {
      const items = `(${typeOf(schema.items as Schema, direction)})[]`;
      return direction === "taken" ? `readonly ${items}` : items;
    }
    case "object":
      return typeOfObject(schema, direction);
    default:
      return direction === "taken" ? "unknown" : "JsonValue";
  }
}

function typeOfObject(schema: Schema, direction: Direction): string {
  const { properties = {}, required = [], additionalProperties: rest, propertyNames } = schema;
  const fields = Object.entries(properties as Record<string, Schema>).map(([name, field]) =>
    property(name, field, (required as string[]).includes(name), direction),
  );
  if (typeof rest !== "object" || rest === null) return `{ ${fields.join(" ")} }`;
  const names = Object(propertyNames).enum as readonly string[] | undefined;
  const key = names === undefined ? "string" : names.map((name) => JSON.stringify(name)).join(" | ");
  return `Record<${key}, ${typeOf(rest as Schema, direction)}>`;
}

function property(name: string, schema: Schema, isRequired: boolean, direction: Direction): string {
  const type = typeOf(schema, direction);
  const described = typeof schema.description === "string" ? comment(schema.description) : "";
  const field = direction === "taken" ? `readonly ${name}` : name;
  if (isRequired) return `${described}${field}: ${type};`;
  // What a caller passes on may be undefined; an answer leaves out what it does not say.
  return `${described}${field}?: ${type}${direction === "taken" ? " | undefined" : ""};`;
}

const comment = (text: string) => `\n/** ${text.replaceAll("*/", "*\\/")} */\n`;
