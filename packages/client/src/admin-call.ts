// One call of any operation of the admin door, typed by its name. What is sent is the compiler's to check, and the service's. The service checks
// every answer against its row before it leaves, so all that is asked here is whether this is an answer of the operation, or some other service's:
// one of an earlier version, that lacks a field, is still read.
import { Fault } from "@postern/fault";
import { z } from "zod";
import { ADMIN_OPERATIONS, type AdminOperations } from "./admin-operations.generated.ts";
import type { Exchange, RequestOptions } from "./exchange.ts";

export type OperationId = keyof AdminOperations;
export type InputOf<Id extends OperationId> = AdminOperations[Id]["input"];
export type BodyOf<Id extends OperationId> =
  InputOf<Id> extends { readonly body?: infer B } ? NonNullable<B> : never;
export type QueryOf<Id extends OperationId> =
  InputOf<Id> extends { readonly query?: infer Q } ? NonNullable<Q> : never;
/** An answer may hold fields that this version does not know. */
export type ReplyOf<Id extends OperationId> = AdminOperations[Id]["reply"];

/** `input` may be left out where everything in it may. */
type Given<Input> = Record<never, never> extends Input ? [input?: Input] : [input: Input];
export type AdminCall = <Id extends OperationId>(
  id: Id,
  ...given: Given<InputOf<Id>>
) => Promise<ReplyOf<Id>>;

interface Input {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: RequestOptions["query"];
  readonly body?: unknown;
}

interface Row {
  readonly method: string;
  readonly path: string;
  readonly answer: "object" | "list" | "text" | "nothing";
  readonly fields: readonly string[];
}

export function createAdminCall(exchange: Exchange): AdminCall {
  return async <Id extends OperationId>(id: Id, ...given: Given<InputOf<Id>>): Promise<ReplyOf<Id>> => {
    const row: Row = ADMIN_OPERATIONS[id];
    const { params = {}, query, body }: Input = given[0] ?? {};
    const path = pathOf(row.path, params);
    const request = { ...(query && { query }), ...(body === undefined ? {} : { body }) };
    if (row.answer === "object" || row.answer === "list") {
      const reply = z.custom<ReplyOf<Id>>((value) => isAnswer(value, row), `is no answer to ${id}`);
      return await exchange.json(row.method, path, reply, request);
    }
    const bytes = await exchange.bytes(row.method, path, request);
    return (row.answer === "text" ? new TextDecoder().decode(bytes) : undefined) as ReplyOf<Id>;
  };
}

/** Raises Fault invalid "client.path" for what would be read as a step in the path and not as a name. */
function pathOf(template: string, params: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = params[name] ?? "";
    if (/^\.{0,2}$/.test(value)) throw new Fault("invalid", "client.path", `"${value}" is no ${name}.`);
    return encodeURIComponent(value);
  });
}

function isAnswer(value: unknown, { answer, fields }: Row): boolean {
  if (answer === "object") return hasAny(value, fields);
  return Array.isArray(value) && value.every((item) => hasAny(item, fields));
}

function hasAny(value: unknown, fields: readonly string[]): boolean {
  return typeof value === "object" && value !== null && fields.some((field) => Object.hasOwn(value, field));
}
