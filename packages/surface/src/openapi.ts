// The OpenAPI 3.1 document, made from the rows themselves, so that it cannot tell another story than the service.
import { z } from "zod";
import type { Door } from "./door.ts";
import { createSchemaWriter, type JsonSchema, type SchemaWriter } from "./json-schema.ts";
import { type Operation, pathParams } from "./operation.ts";
import type { StreamKind, StreamShape } from "./stream.ts";

export interface OpenApiOptions {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly servers?: readonly { readonly url: string; readonly description?: string }[];
  /** Every door with its rows. */
  readonly surfaces: readonly DocumentedSurface[];
  /** Schemas to be named under `components` and referred to wherever they occur. */
  readonly schemas?: Readonly<Record<string, z.ZodType>>;
}

/** What the document needs of a surface; a `Surface` of any principal and context fits. */
export interface DocumentedSurface {
  readonly door: Pick<Door<never, never>, "name" | "security" | "failureBody">;
  readonly rows: readonly Omit<Operation<never>, "prepare">[];
}
type Row = DocumentedSurface["rows"][number];
type Json = Record<string, unknown>;

/**
 * The document as plain JSON. Raises an Error when two operations share an id or a path,
 * or when a named schema reads differently as request and as reply.
 */
export function openapi(options: OpenApiOptions): Json {
  const writer = createSchemaWriter(options.schemas ?? {});
  const paths: Record<string, Json> = {};
  const byId = new Map(options.surfaces.flatMap(({ rows }) => rows.map((row) => [row.id, row])));
  for (const { door, rows } of options.surfaces) {
    for (const row of rows) {
      const item = paths[row.path] ?? {};
      paths[row.path] = item;
      const method = row.method.toLowerCase();
      if (byId.get(row.id) !== row || method in item)
        throw new Error(`${row.id}: id or ${method} ${row.path} is taken`);
      item[method] = operationObject(row, door, { writer, byId });
    }
  }
  // A door whose rows are all public asks for no credential, so there is no scheme to describe.
  const guarded = options.surfaces.filter(({ rows }) => rows.some((row) => row.permission !== "public"));
  const securitySchemes = Object.fromEntries(guarded.map(({ door }) => [door.name, door.security]));
  return {
    openapi: "3.1.1",
    info: options.info,
    ...(options.servers === undefined ? {} : { servers: options.servers }),
    tags: tagsOf(options.surfaces),
    paths,
    components: { securitySchemes, schemas: writer.components() },
  };
}

interface Whole {
  readonly writer: SchemaWriter;
  readonly byId: ReadonlyMap<string, Row>;
}

function operationObject(row: Row, door: DocumentedSurface["door"], { writer, byId }: Whole): Json {
  const isPublic = row.permission === "public";
  const parameters = [...pathParameters(row, writer), ...queryParameters(row, writer)];
  return {
    operationId: row.id,
    summary: row.summary,
    ...(row.description === undefined ? {} : { description: row.description }),
    tags: [row.tag ?? door.name],
    security: isPublic ? [] : [{ [door.name]: [] }],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(row.body === undefined ? {} : { requestBody: requestBody(row.body, writer, row.example?.body) }),
    responses: responses(row, door, { writer, byId }),
    "x-permission": row.permission,
    "x-audit-event": row.audit,
  };
}

function requestBody(body: z.ZodType, writer: SchemaWriter, example: unknown): Json {
  const schema = writer.write(body, "input");
  return {
    required: !body.safeParse(undefined).success,
    content: { "application/json": { schema, ...(example === undefined ? {} : { example }) } },
  };
}

function pathParameters(row: Row, writer: SchemaWriter): Json[] {
  if (row.params === undefined) return [];
  const { properties } = writer.fields(row.params);
  return pathParams(row.path).map((name) =>
    parameter("path", name, properties[name] ?? {}, { required: true, example: row.example?.params?.[name] }),
  );
}

function queryParameters(row: Row, writer: SchemaWriter): Json[] {
  if (row.query === undefined) return [];
  const { properties, required } = writer.fields(row.query);
  return Object.entries(properties).map(([name, schema]) =>
    parameter("query", name, schema, {
      required: required.includes(name),
      example: row.example?.query?.[name],
    }),
  );
}

function parameter(
  place: "path" | "query",
  name: string,
  schema: JsonSchema,
  { required, example }: { required: boolean; example: unknown },
): Json {
  const { description, ...rest } = schema;
  return {
    ...{ name, in: place, required },
    ...(description === undefined ? {} : { description }),
    schema: rest,
    ...(example === undefined ? {} : { example }),
  };
}

function responses(row: Row, door: DocumentedSurface["door"], { writer, byId }: Whole): Json {
  const failure = { content: { "application/json": { schema: writer.write(door.failureBody, "output") } } };
  const isPublic = row.permission === "public";
  const failures: Record<number, string> = {
    400: "The request is malformed; the message names the field.",
    ...(!isPublic && {
      401: "The credential is missing or not valid.",
      403: "The credential does not cover this operation.",
    }),
    ...(row.params !== undefined && {
      404: "There is no such resource, or it is not the caller's to see.",
    }),
    ...(row.body !== undefined && {
      413: "The body is too large; the message names the limit.",
      415: "The body is not JSON in UTF-8.",
    }),
    ...(!isPublic && {
      429: "Too many requests of this address had no valid credential.",
      503: "What the service depends on does not answer.",
    }),
    431: "The address and the headers are too large.",
    500: "Something went wrong on our side.",
  };
  const success = { description: successText(row.status), ...content(row.reply, writer) };
  const all: Json = { [row.status]: { ...success, ...linksOf(row, byId) } };
  for (const [status, told] of Object.entries({ ...failures, ...row.replies })) {
    const { description, body } = typeof told === "string" ? { description: told, body: undefined } : told;
    const usual = Number(status) < 300 ? content(row.reply, writer) : status === "431" ? {} : failure;
    all[status] = { description, ...(body === undefined ? usual : content(body, writer)) };
  }
  return all;
}

/**
 * Runtime expressions (OpenAPI 3.1.1 §4.8.20.4), under the id of the operation that they lead to. A body to which the reply gives something is
 * else the other operation's example.
 */
function linksOf({ id, links = [] }: Row, byId: Whole["byId"]): Json {
  if (links.length === 0) return {};
  const objects = links.map(({ to, params, query, body }) => {
    const other = byId.get(to);
    if (other === undefined) throw new Error(`${id}: there is no operation ${to} to lead to`);
    const parameters = { ...expressions(params, "path."), ...expressions(query, "query.") };
    const requestBody = body && { ...other.example?.body, ...expressions(body) };
    return [to, { operationId: to, parameters, ...(requestBody && { requestBody }) }];
  });
  return { links: Object.fromEntries(objects) };
}

function expressions(fields: Readonly<Record<string, string>> = {}, place = ""): Record<string, string> {
  const entries = Object.entries(fields).map(([name, field]) => [
    place + name,
    field.startsWith("$") ? field : `$response.body#/${field}`,
  ]);
  return Object.fromEntries(entries);
}

function successText(status: number): string {
  return status === 201
    ? "Created."
    : status === 202
      ? "Accepted."
      : status === 204
        ? "Done; no body."
        : "Success.";
}

function content(reply: Row["reply"], writer: SchemaWriter): Json {
  if (reply === undefined) return {};
  if (reply instanceof z.ZodType)
    return { content: { "application/json": { schema: writer.write(reply, "output") } } };
  const kinds: readonly StreamKind[] = [reply].flat();
  return {
    content: Object.fromEntries(kinds.map(({ mediaType, shape }) => [mediaType, streamed(shape, writer)])),
  };
}

/** The media type object of a stream: raw bytes have no schema (OpenAPI 3.1.1 §4.14.3), and lines are told in an extension of ours. */
function streamed(shape: StreamShape, writer: SchemaWriter): Json {
  switch (shape.is) {
    case "bytes":
      return {};
    case "text":
      return { schema: { type: "string", description: shape.description } };
    case "json":
      return { schema: writer.write(shape.schema, "output") };
    case "lines": {
      const description = "One JSON text per line; `x-line-schema` describes a line.";
      return {
        schema: { type: "string", description, "x-line-schema": writer.write(shape.line, "output") },
      };
    }
  }
}

function tagsOf(surfaces: readonly DocumentedSurface[]): Json[] {
  const names = surfaces.flatMap(({ door, rows }) => rows.map((row) => row.tag ?? door.name));
  return [...new Set(names)].map((name) => ({ name }));
}
