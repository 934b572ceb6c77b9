// One condition on the arguments of a call, found by an RFC 6901 JSON Pointer.
// What is missing, inherited or of another type satisfies nothing, "ne" included.
import type { ArgumentPredicate, JsonObject, JsonValue } from "@postern/contracts";
import { matchGlob } from "./glob.ts";

const POINTER = /^(?:\/(?:[^~/]|~[01])*)*$/;
const ARRAY_INDEX = /^(?:0|[1-9]\d*)$/;

export function isPointer(text: string): boolean {
  return POINTER.test(text);
}

export function satisfies(args: JsonObject, predicate: ArgumentPredicate): boolean {
  const value = valueAt(args, predicate.path);
  if (value === undefined) return false;
  switch (predicate.op) {
    case "eq":
      return value === predicate.value;
    case "ne":
      return value !== predicate.value;
    case "lt":
      return typeof value === "number" && value < predicate.value;
    case "lte":
      return typeof value === "number" && value <= predicate.value;
    case "gt":
      return typeof value === "number" && value > predicate.value;
    case "gte":
      return typeof value === "number" && value >= predicate.value;
    case "in":
      return predicate.values.some((each) => each === value);
    case "glob":
      return typeof value === "string" && matchGlob(predicate.value, value);
    default:
      return false;
  }
}

function valueAt(args: JsonObject, pointer: string): JsonValue | undefined {
  if (!isPointer(pointer)) return undefined;
  let value: JsonValue | undefined = args;
  for (const escaped of pointer.split("/").slice(1)) {
    const key: string = escaped.replaceAll("~1", "/").replaceAll("~0", "~");
    value = childOf(value, key);
  }
  return value;
}

function childOf(value: JsonValue | undefined, key: string): JsonValue | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (isArray(value)) return ARRAY_INDEX.test(key) ? value[Number(key)] : undefined;
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

/** Array.isArray does not narrow a readonly array. */
function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
