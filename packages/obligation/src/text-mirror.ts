// MCP servers send structured content twice: as `structuredContent` and, for older clients, written out in a text item. What is taken out of
// one must not stay in the other, so a text that said the same is written anew whenever the structured content changes.
import { isDeepStrictEqual } from "node:util";
import type { JsonObject, JsonValue } from "@postern/contracts";
import { isList, isObject } from "./filter-value.ts";

export const CONTENT = "structuredContent";

/** `after`, with the texts that wrote out the structured content of `before` writing out its own. */
export function keepMirrors(before: JsonObject, after: JsonObject): JsonObject {
  const [was, is] = [before[CONTENT], after[CONTENT]];
  const [items, newItems] = [before.content, after.content];
  if (was === is || was === undefined || is === undefined || !isList(items) || !isList(newItems))
    return after;
  const content = newItems.map((item, at) =>
    isObject(item) && isMirror(items[at], was) ? { ...item, text: JSON.stringify(is) } : item,
  );
  return { ...after, content };
}

/** Whether `item` is a text item that says what `value` is, in whatever layout. */
export function isMirror(item: JsonValue | undefined, value: JsonValue): boolean {
  const text = textOf(item);
  const read = text === undefined ? undefined : readJson(text);
  return read !== undefined && isDeepStrictEqual(read, value);
}

/** Text of a text item. */
export function textOf(item: JsonValue | undefined): string | undefined {
  if (!isObject(item) || item.type !== "text") return undefined;
  const text = item.text;
  return typeof text === "string" ? text : undefined;
}

/** The value that a text writes out; undefined when it is not JSON. */
export function readJson(text: string): JsonValue | undefined {
  if (!/^\s*[[{"\d\-tfn]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
