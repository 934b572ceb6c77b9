// An endpoint is a row of data: what it is called, who may call it, what it takes, what it answers, and the one function it runs.
// Params, query and body are parsed apart, so that a body can never shadow a path's id; what is not declared is refused.
import { z } from "zod";
import { type InputPart, parsePart } from "./input.ts";
import type { Streamed, StreamKind } from "./stream.ts";

export const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
export type Method = (typeof METHODS)[number];

/** What a handler may know of the request besides its parsed input. */
export interface RequestInfo {
  readonly id: string;
  readonly method: string;
  /** Path without query, as sent. */
  readonly path: string;
  readonly headers: Headers;
  /** Address of the peer of the connection; "" when unknown. */
  readonly remoteAddress: string;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
}

/** A JSON reply by its schema, one or several ways of streaming, or nothing (an empty body). */
export type ReplyKind = z.ZodType | StreamKind | readonly StreamKind[] | undefined;

export type ReplyOf<R extends ReplyKind> = R extends z.ZodType
  ? z.input<R>
  : R extends StreamKind<infer M>
    ? Streamed<M>
    : R extends readonly StreamKind<infer M>[]
      ? Streamed<M>
      : Nothing;
/** What a function without a `return` gives. */
type Nothing = ReturnType<() => void>;

/** A reply with more than its body. `status` must be declared by the row (`status` or `replies`). */
export interface Answer<T> {
  readonly [answered]: true;
  readonly body: T;
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string>>;
}
const answered = Symbol("answer");

export interface Call<P, Q, B> {
  readonly params: PartOf<P>;
  readonly query: PartOf<Q>;
  readonly body: PartOf<B>;
  readonly request: RequestInfo;
}
type PartOf<S> = S extends z.ZodType ? z.output<S> : undefined;
type Schema = z.ZodType | undefined;

export interface OperationExample {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: Readonly<Record<string, unknown>>;
}

/**
 * Where a reply leads: fields of its body, by name or path ("items/0/id"), become parameters or body fields of another operation; "$request.path.id"
 * and the like are what was asked.
 */
export interface OperationLink {
  /** Id of the other operation. */
  readonly to: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, string>>;
}

/** What every row says about itself, whatever its types. */
export interface OperationInfo {
  /** `noun_verb`: operationId, anchor in the docs, label in logs. */
  readonly id: string;
  readonly method: Method;
  /** Whole path, parameters in braces: `/v1/admin/policies/drafts/{id}`. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag?: string;
  /** What the principal must be allowed to do, in the door's own words; "public" needs no credential. */
  readonly permission: string;
  /** Name of the audit event that a success records; "none" when it records none. */
  readonly audit: string;
  /** Status of a success. */
  readonly status: number;
  /** Further statuses and what they mean, for the document; `body` where it is not the failure's, or for 2xx the reply's. Any may be chosen with `answer()`. */
  readonly replies?: Readonly<Record<number, string | { description: string; body: z.ZodType }>>;
  /** A call that means something, for the document: what a reader would try first. Every field of it must be one that the row takes. */
  readonly example?: OperationExample;
  /** Operations that go on from this one's reply. */
  readonly links?: readonly OperationLink[];
  /** Overrides the door's limit on the size of the body. */
  readonly bodyBytesMax?: number;
  /** Objects and arrays within one another in the body. Default 64. */
  readonly bodyDepthMax?: number;
  /** The body is taken as it was written, whatever its text: NUL and halves of surrogate pairs are refused everywhere else. */
  readonly takesAnyText?: boolean;
}

export interface OperationSpec<
  Context,
  P extends Schema,
  Q extends Schema,
  B extends Schema,
  R extends ReplyKind,
> extends OperationInfo {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly reply?: R;
  run(
    call: Call<P, Q, B>,
    context: Context,
  ): ReplyOf<R> | Answer<ReplyOf<R>> | Promise<ReplyOf<R> | Answer<ReplyOf<R>>>;
}

export interface RawInput {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly request: RequestInfo;
}

/** A row whose types were checked where it was written. `Context` is what its door opens for each call. */
export interface Operation<Context> extends OperationInfo {
  readonly params: Schema;
  readonly query: Schema;
  readonly body: Schema;
  readonly reply: ReplyKind;
  /** Parses the input (Fault invalid naming the path) and returns what is left to do. */
  prepare(input: RawInput): (context: Context) => Promise<unknown>;
}

/**
 * The row maker for one kind of context:
 * `const operation = operationsFor<AdminContext>(); export const mint = operation({ id: "capability_mint", … })`.
 * A row that breaks a rule (an unnamed path parameter, a query or body that lets unknown fields pass) throws where it is written.
 */
export function operationsFor<Context>() {
  return function operation<
    P extends Schema = undefined,
    Q extends Schema = undefined,
    B extends Schema = undefined,
    const R extends ReplyKind = undefined,
  >(spec: OperationSpec<Context, P, Q, B, R>): Operation<Context> {
    const { params, query, body, reply, run, ...info } = spec;
    assertRow(spec);
    return {
      ...info,
      params,
      query,
      body,
      reply,
      prepare(input) {
        const call: Call<P, Q, B> = {
          params: parse("params", params, input.params),
          query: parse("query", query, input.query),
          body: parse("body", body, input.body, { anyText: info.takesAnyText === true }),
          request: input.request,
        };
        return async (context) => run(call, context);
      },
    };
  };
}

/** A reply with headers, or with another declared status. */
export function answer<T>(
  body: T,
  options: { status?: number; headers?: Record<string, string> } = {},
): Answer<T> {
  return { [answered]: true, body, status: options.status, headers: options.headers ?? {} };
}

export function isAnswer(value: unknown): value is Answer<unknown> {
  return typeof value === "object" && value !== null && answered in value;
}

/** Names of the parameters in a path. */
export function pathParams(path: string): string[] {
  return [...path.matchAll(/\{([^}]*)\}/g)].map((match) => match[1] ?? "");
}

function parse<S extends Schema>(
  part: InputPart,
  schema: S | undefined,
  value: unknown,
  options: { anyText?: boolean } = {},
): PartOf<S> {
  return parsePart(part, schema, value, options) as PartOf<S>;
}

function assertRow(spec: OperationInfo & { params?: Schema; query?: Schema; body?: Schema }): void {
  const named = pathParams(spec.path).sort().join();
  const declared = spec.params === undefined ? "" : propertiesOf(spec.params).sort().join();
  if (named !== declared)
    throw new Error(`${spec.id}: the path names {${named}} but params declare {${declared}}`);
  for (const part of ["params", "query", "body"] as const) {
    const schema = spec[part];
    if (schema !== undefined) assertStrict(`${spec.id}: ${part}`, z.toJSONSchema(schema, { io: "input" }));
    const example = spec.example?.[part];
    if (example !== undefined && schema?.safeParse(example).success !== true)
      throw new Error(`${spec.id}: the example's ${part} is not what the row takes`);
  }
}

function propertiesOf(schema: z.ZodType): string[] {
  return Object.keys(z.toJSONSchema(schema, { io: "input" }).properties ?? {});
}

function assertStrict(where: string, schema: unknown): void {
  if (typeof schema !== "object" || schema === null) return;
  if ("properties" in schema && !("additionalProperties" in schema))
    throw new Error(`${where} lets unknown fields pass; use z.strictObject`);
  // What is ruled out need not be told whole.
  for (const [key, value] of Object.entries(schema))
    if (key !== "not") assertStrict(`${where}.${key}`, value);
}
