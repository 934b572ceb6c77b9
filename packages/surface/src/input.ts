// From what was sent to what was declared. A refusal names the part and the path ("body.tools[2]: …") and quotes no value, for it may be a secret.
import { Fault } from "@postern/fault";
import { z } from "zod";
import { plainWords } from "./plain-words.ts";

export type InputPart = "params" | "query" | "body";

const ISSUES_SHOWN_MAX = 5;
const NAME_CHARS_MAX = 64;

/**
 * The value as its schema says. Its text must be storable: well-formed Unicode without NUL, which neither a database nor canonical JSON
 * takes; `anyText` leaves that to the reader.
 * Raises Fault invalid "request.params", "request.query" or "request.body".
 */
export function parsePart(
  part: InputPart,
  schema: z.ZodType | undefined,
  value: unknown,
  { anyText = false }: { anyText?: boolean } = {},
): unknown {
  if (schema === undefined) {
    if (part !== "query") return undefined;
    schema = nothing;
  }
  const parsed = schema.safeParse(value, { error: plainWords });
  if (!parsed.success)
    throw refusal(
      part,
      parsed.error.issues.flatMap((issue) => sentences(part, issue)),
    );
  const unstorable = anyText ? undefined : unstorablePath(value);
  if (unstorable !== undefined) throw refusal(part, [`${textOf(part, unstorable)}: ${UNSTORABLE}`]);
  return parsed.data;
}

const UNSTORABLE = "must be well-formed Unicode without NUL characters";

function refusal(part: InputPart, lines: readonly string[]): Fault {
  const shown = lines.slice(0, ISSUES_SHOWN_MAX).join("; ");
  const more = lines.length > ISSUES_SHOWN_MAX ? `; and ${lines.length - ISSUES_SHOWN_MAX} more` : "";
  return new Fault("invalid", `request.${part}`, shown + more);
}

/** Query parameters by name; a name given twice becomes an array, which a schema for one value refuses. */
export function readQuery(search: URLSearchParams): Record<string, unknown> {
  const query: Record<string, unknown> = Object.create(null);
  for (const name of new Set(search.keys())) {
    const values = search.getAll(name);
    query[name] = values.length === 1 ? values[0] : values;
  }
  return query;
}

const nothing = z.strictObject({});

/** Path of the first text, names of fields included, that cannot be stored. The value is JSON of bounded depth. */
function unstorablePath(value: unknown): PropertyKey[] | undefined {
  if (typeof value === "string") return isStorable(value) ? undefined : [];
  if (typeof value !== "object" || value === null) return undefined;
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  for (const [key, inner] of entries) {
    const path = typeof key === "string" && !isStorable(key) ? [] : unstorablePath(inner);
    if (path !== undefined) return [key, ...path];
  }
  return undefined;
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}

function textOf(part: InputPart, path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => text + step(key), part);
}

function sentences(part: InputPart, issue: z.core.$ZodIssue): string[] {
  const path = textOf(part, issue.path);
  if (issue.code !== "unrecognized_keys") return [`${path}: ${issue.message}`];
  return issue.keys.map((key) => `${path}${step(key)}: unknown field`);
}

function step(key: PropertyKey): string {
  if (typeof key === "number") return `[${key}]`;
  const name = String(key).slice(0, NAME_CHARS_MAX);
  return /^[\w-]+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}
