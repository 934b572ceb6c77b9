// Places in a JSON value that a policy names: JSON Pointers (RFC 6901) in which the segment "*" stands for every member or item.
import type { JsonObject, JsonValue } from "@postern/contracts";
import { isList, isObject } from "./filter-value.ts";

const REDACTED = "[REDACTED]";

export type Pointer = readonly string[];

const SEGMENTS_MAX = 32;

/** Undefined when `text` is no pointer to something within a value: it starts with "/", and "~" is written "~0", "/" is written "~1". */
export function parsePointer(text: string): Pointer | undefined {
  if (!text.startsWith("/") || /~(?![01])/.test(text)) return undefined;
  const segments = text.slice(1).split("/");
  if (segments.length > SEGMENTS_MAX) return undefined;
  return segments.map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** `value` with what stands at `pointer` replaced by "[REDACTED]"; `onRedact` hears of each. The same value when nothing is there. */
export function redactAt(value: JsonValue, pointer: Pointer, onRedact: () => void): JsonValue {
  const [segment, ...rest] = pointer;
  if (segment === undefined) {
    if (value !== REDACTED) onRedact();
    return REDACTED;
  }
  if (isList(value)) return redactInList(value, segment, rest, onRedact);
  return isObject(value) ? redactInObject(value, segment, rest, onRedact) : value;
}

function redactInList(
  list: readonly JsonValue[],
  segment: string,
  rest: Pointer,
  onRedact: () => void,
): readonly JsonValue[] {
  let isChanged = false;
  const copy = list.map((item, at) => {
    if (segment !== "*" && segment !== String(at)) return item;
    const redacted = redactAt(item, rest, onRedact);
    isChanged ||= redacted !== item;
    return redacted;
  });
  return isChanged ? copy : list;
}

function redactInObject(
  object: JsonObject,
  segment: string,
  rest: Pointer,
  onRedact: () => void,
): JsonObject {
  if (segment !== "*" && !Object.hasOwn(object, segment)) return object;
  let isChanged = false;
  const entries = Object.entries(object).map(([name, value]) => {
    if (segment !== "*" && segment !== name) return [name, value] as const;
    const redacted = redactAt(value, rest, onRedact);
    isChanged ||= redacted !== value;
    return [name, redacted] as const;
  });
  return isChanged ? Object.fromEntries(entries) : object;
}
