// RFC 8785 (JCS): exactly one text per JSON value, so that a hash over it means the value.
// What two readers could take differently (lone surrogates, NaN, undefined, exotic objects) is refused, never repaired.
import { type JsonValue, RECORD_DEPTH_MAX } from "@postern/contracts";
import { Fault } from "@postern/fault";

/** Printable ASCII that needs no escape: nearly every text of an event. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** The canonical text of a JSON value. Faults: invalid `audit.not_canonical`. */
export function canonicalize(value: JsonValue): string {
  return write(value, 0);
}

/** The canonical text of a text. Faults: invalid `audit.not_canonical`. */
export function quote(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) throw refusal("a lone surrogate");
  return JSON.stringify(text);
}

export function isPlainObject(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function write(value: unknown, depth: number): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "number") {
    // RFC 8785 §3.2.2.3: numbers as ECMAScript prints them; -0 prints as 0.
    if (Number.isFinite(value)) return `${value}`;
    throw refusal("a number that is not finite");
  }
  if (typeof value === "boolean") return value ? "true" : "false";
  if (value === null) return "null";
  if (typeof value !== "object") throw refusal(`a value of type ${typeof value}`);
  // Far before the stack would end.
  if (depth === RECORD_DEPTH_MAX) throw refusal(`nesting deeper than ${RECORD_DEPTH_MAX}`);
  if (Array.isArray(value)) return writeArray(value, depth);
  if (!isPlainObject(value)) throw refusal("an object that is not plain");
  return writeObject(value, depth);
}

function writeArray(items: readonly unknown[], depth: number): string {
  let text = "[";
  for (let at = 0; at < items.length; at += 1) {
    if (at > 0) text += ",";
    text += write(items[at], depth + 1);
  }
  return `${text}]`;
}

function writeObject(value: Readonly<Record<string, unknown>>, depth: number): string {
  const names = Object.keys(value);
  sortNames(names);
  let text = "{";
  for (const name of names) {
    const member = `${quotedName(name)}:${write(value[name], depth + 1)}`;
    text += text.length > 1 ? `,${member}` : member;
  }
  return `${text}}`;
}

/** RFC 8785 §3.2.3: by UTF-16 code units, which is how JavaScript compares and sorts. */
function sortNames(names: string[]): void {
  for (let at = 1; at < names.length; at += 1) {
    const name = names[at] ?? "";
    // Inserting one by one costs least while names are few or nearly in order, and far too much when they are many.
    if (at > INSERTED_MAX && (names[at - 1] ?? "") > name) {
      names.sort();
      return;
    }
    let to = at;
    for (; to > 0 && (names[to - 1] ?? "") > name; to -= 1) names[to] = names[to - 1] ?? "";
    names[to] = name;
  }
}

const INSERTED_MAX = 16;

/** Names come again and again, so they are quoted once; this many, and no long ones, are remembered. */
const NAMES_MAX = 1024;
const NAME_CHARS_MAX = 64;
const quotedNames = new Map<string, string>();

function quotedName(name: string): string {
  const known = quotedNames.get(name);
  if (known !== undefined) return known;
  const quoted = quote(name);
  if (name.length > NAME_CHARS_MAX) return quoted;
  if (quotedNames.size === NAMES_MAX) quotedNames.clear();
  quotedNames.set(name, quoted);
  return quoted;
}

function refusal(what: string): Fault {
  return new Fault("invalid", "audit.not_canonical", `The value holds ${what}, which has no canonical form.`);
}
