// Makes argument values that every reader of the log can take: no deeper than the contract says, every text well-formed, every number
// finite. What stands too deep is replaced by "…", so that no reader takes a part for the whole.
import { ARG_VALUES_DEPTH_MAX } from "@postern/contracts";

/** Ends a shortened text; last element of a shortened list; stands for what is too deep; only key of values that were left out. */
export const SHORTENED = "…";

/** A copy of JSON arguments within the bounds of an event; the same again when fitted again. Exotic objects are left for others to refuse. */
export function fitArgValues(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return fitObject(values, 1);
}

function fitObject(value: Readonly<Record<string, unknown>>, depth: number): Record<string, unknown> {
  // Unlike an assignment, this makes a plain member of a key named __proto__.
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key.toWellFormed(), fitValue(item, depth)]),
  );
}

/** `depth`: objects and arrays around the value. */
function fitValue(value: unknown, depth: number): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (!isContainer(value)) return value;
  if (depth === ARG_VALUES_DEPTH_MAX) return SHORTENED;
  return Array.isArray(value)
    ? value.map((item) => fitValue(item, depth + 1))
    : fitObject(value as Readonly<Record<string, unknown>>, depth + 1);
}

function isContainer(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}
