// From what was sent to what was declared. A refusal names the part and the path ("body.tools[2]: …") and quotes no value, for it may be a secret.
import { Fault } from "@postern/fault";
import { z } from "zod";

export type InputPart = "params" | "query" | "body";

const ISSUES_SHOWN_MAX = 5;
const NAME_CHARS_MAX = 64;

/** The value as its schema says. Raises Fault invalid "request.params", "request.query" or "request.body". */
export function parsePart(part: InputPart, schema: z.ZodType | undefined, value: unknown): unknown {
  if (schema === undefined) {
    if (part !== "query") return undefined;
    schema = nothing;
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.flatMap((issue) => sentences(part, issue));
  const shown = lines.slice(0, ISSUES_SHOWN_MAX).join("; ");
  const more = lines.length > ISSUES_SHOWN_MAX ? `; and ${lines.length - ISSUES_SHOWN_MAX} more` : "";
  throw new Fault("invalid", `request.${part}`, shown + more);
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

function sentences(part: InputPart, issue: z.core.$ZodIssue): string[] {
  const path = issue.path.reduce<string>((text, key) => text + step(key), part);
  if (issue.code !== "unrecognized_keys") return [`${path}: ${issue.message}`];
  return issue.keys.map((key) => `${path}${step(key)}: unknown field`);
}

function step(key: PropertyKey): string {
  if (typeof key === "number") return `[${key}]`;
  const name = String(key).slice(0, NAME_CHARS_MAX);
  return /^[\w-]+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}
