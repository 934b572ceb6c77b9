// One condition on the arguments of a call, found by an RFC 6901 JSON Pointer.
// What is missing, inherited or of another type satisfies nothing, "ne" included.
import type { ArgumentPredicate, JsonObject, JsonValue } from "@postern/contracts";
import { matchGlob } from "./glob.ts";

const POINTER = /^(?:\/(?:[^~/]|~[01])*)*$/;
const ARRAY_INDEX = /^(?:0|[1-9]\d*)$/;

export function isPointer(text: string): boolean {
  return POINTER.test(text);
}

/** The condition, ready to be asked of many calls. */
export function conditionOf(predicate: ArgumentPredicate): (args: JsonObject) => boolean {
  if (!isPointer(predicate.path)) return () => false;
  const keys = predicate.path
    .split("/")
    .slice(1)
    .map((escaped) => escaped.replaceAll("~1", "/").replaceAll("~0", "~"));
  const holds = relationOf(predicate);
  return (args) => {
    let value: JsonValue | undefined = args;
    for (const key of keys) value = childOf(value, key);
    return value !== undefined && holds(value);
  };
}

function relationOf(predicate: ArgumentPredicate): (value: JsonValue) => boolean {
  switch (predicate.op) {
    case "eq":
      return (value) => value === predicate.value;
    case "ne":
      return (value) => value !== predicate.value;
    case "lt":
      return (value) => typeof value === "number" && value < predicate.value;
    case "lte":
      return (value) => typeof value === "number" && value <= predicate.value;
    case "gt":
      return (value) => typeof value === "number" && value > predicate.value;
    case "gte":
      return (value) => typeof value === "number" && value >= predicate.value;
    case "in":
      return (value) => predicate.values.some((each) => each === value);
    case "glob":
      return (value) => typeof value === "string" && matchGlob(predicate.value, value);
    default:
      return () => false;
  }
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
