// Walks a JSON value through the filter: every string, every number, and the names of properties too, because a secret can be a key. What is
// not changed is not copied. What is nested deeper than anybody nests data is blocked unseen.
import { Buffer } from "node:buffer";
import type { JsonObject, JsonValue } from "@postern/contracts";
import type { Pass } from "./pass.ts";
import { FILTER, type TextFilter } from "./text-filter.ts";

export const DEPTH_MAX = 256;

/** `name` is that of the property which holds `value`, if one does. */
export function filterValue(
  value: JsonValue,
  filter: TextFilter,
  pass: Pass,
  name?: string,
  depth: number = 0,
): JsonValue {
  if (typeof value === "string") return filter.filterText(value, name, pass);
  if (typeof value === "number") return filterNumber(value, filter, pass, name);
  if (typeof value !== "object" || value === null || pass.isBlocked) return value;
  if (depth >= DEPTH_MAX) {
    pass.note(FILTER, "depth", "block");
    return value;
  }
  if (isList(value)) return filterList(value, filter, pass, name, depth);
  return filterObject(value, filter, pass, depth);
}

export const isList = (value: JsonValue | undefined): value is readonly JsonValue[] => Array.isArray(value);

export const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function filterNumber(value: number, filter: TextFilter, pass: Pass, name: string | undefined): JsonValue {
  const text = String(value);
  const filtered = filter.filterNumber(text, name, pass);
  return filtered === text ? value : filtered;
}

function filterList(
  list: readonly JsonValue[],
  filter: TextFilter,
  pass: Pass,
  name: string | undefined,
  depth: number,
): readonly JsonValue[] {
  let copy: JsonValue[] | undefined;
  for (let at = 0; at < list.length; at += 1) {
    const item = list[at] ?? null;
    const filtered = filterValue(item, filter, pass, name, depth + 1);
    if (filtered === item) continue;
    copy ??= [...list];
    copy[at] = filtered;
  }
  return copy ?? list;
}

function filterObject(object: JsonObject, filter: TextFilter, pass: Pass, depth: number): JsonObject {
  let isChanged = false;
  const names = Object.keys(object);
  const entries: [string, JsonValue][] = [];
  for (const name of names) {
    const value = object[name] ?? null;
    const filtered = isTextBlob(object, name, value)
      ? filterBlob(value, filter, pass)
      : filterValue(value, filter, pass, name, depth + 1);
    const newName = filter.filterText(name, undefined, pass);
    isChanged ||= filtered !== value || newName !== name;
    entries.push([newName, filtered]);
  }
  return isChanged ? fromEntries(entries) : object;
}

/** Two keys that become the same marker are told apart by a number, so that no value is lost. `__proto__` stays a property like any other. */
function fromEntries(entries: readonly (readonly [string, JsonValue])[]): JsonObject {
  const object = new Map<string, JsonValue>();
  const taken = new Map<string, number>();
  for (const [name, value] of entries) {
    let unique = name;
    for (let number = taken.get(name) ?? 2; object.has(unique); number += 1) {
      unique = `${name}#${number}`;
      taken.set(name, number + 1);
    }
    object.set(unique, value);
  }
  return Object.fromEntries(object);
}

/** A resource whose bytes are text: it is looked into, and written anew if anything was found. */
function isTextBlob(object: JsonObject, name: string, value: JsonValue): value is string {
  if (name !== "blob" || typeof value !== "string") return false;
  const type = object.mimeType;
  return typeof type === "string" && /^text\/|\b(json|xml|yaml|csv|javascript)\b/i.test(type);
}

function filterBlob(blob: string, filter: TextFilter, pass: Pass): string {
  const text = Buffer.from(blob, "base64").toString();
  const filtered = filter.filterText(text, undefined, pass);
  return filtered === text ? filter.filterText(blob, "blob", pass) : Buffer.from(filtered).toString("base64");
}
