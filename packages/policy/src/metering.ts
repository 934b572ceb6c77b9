// WebAssembly cannot be interrupted, so it is made to stop by itself: a copy of a policy's module counts down a global while it runs
// and traps when that is used up. Everything else about the module stays as it is, so whatever it answers is what the module itself would
// answer. The copy also shows all that it keeps outside its memory, so that it can be put back after a trap.
import { meterBody } from "./metered-code.ts";
import {
  type Cursor,
  cursorOver,
  numberBytes,
  positiveBytes,
  readByte,
  readNumber,
  skip,
  skipNumber,
  UNREADABLE,
  within,
} from "./wasm-bytes.ts";

/** Name under which the counter is exported, a mutable i32. */
export const FUEL_EXPORT = "postern_fuel";

/** The module's own mutable globals are exported as this and their index. */
export const STATE_EXPORT = "postern_state_";

const MAGIC = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const SECTION = { custom: 0, import: 2, global: 6, export: 7, code: 10 } as const;
/** Those of WebAssembly 1.0: types, imports, functions, tables, memories, globals, exports, start, elements, code and data. */
const SECTION_MAX = 11;
const MUTABLE_I32 = [0x7f, 0x01];
/** For the module's start function, which runs before anybody can set the counter. */
const FUEL_AT_START = 1_000_000;
const GLOBAL_KIND = 0x03;

/** `bytes` is a module that compiles. Undefined if there is anything in it that is not known here: then it can only run where it can be ended. */
export function meterModule(bytes: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  try {
    return meter(bytes);
  } catch (thrown) {
    if (thrown === UNREADABLE) return undefined;
    throw thrown;
  }
}

function meter(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const sections = readSections(bytes);
  const globals = globalsOf(sections);
  const fuel = globals.length;
  const parts: Uint8Array[] = [Uint8Array.from(MAGIC)];
  for (const [id, section] of sections) {
    if (id === SECTION.global) parts.push(...sealed(id, withFuel(section)));
    else if (id === SECTION.export) parts.push(...sealed(id, withState(section, globals)));
    else if (id === SECTION.code) parts.push(...sealed(id, metered(section, fuel)));
    else parts.push(...sealed(id, [section.bytes.subarray(section.at, section.end)]));
  }
  return Uint8Array.from(Buffer.concat(parts));
}

function readSections(bytes: Uint8Array): ReadonlyMap<number, Cursor> {
  const cursor = cursorOver(bytes);
  for (const byte of MAGIC) if (readByte(cursor) !== byte) throw UNREADABLE;
  const sections = new Map<number, Cursor>();
  while (cursor.at < cursor.end) {
    const id = readByte(cursor);
    const section = within(cursor, readNumber(cursor));
    if (id === SECTION.custom) continue;
    if (id > SECTION_MAX || sections.has(id)) throw UNREADABLE;
    sections.set(id, section);
  }
  return sections;
}

/** Whether each global of the module can change. All are its own: an imported one would be out of our sight. */
function globalsOf(sections: ReadonlyMap<number, Cursor>): readonly boolean[] {
  const imports = sections.get(SECTION.import);
  const section = sections.get(SECTION.global);
  if (imports === undefined || section === undefined) throw UNREADABLE;
  refuseImportedGlobals({ ...imports });
  const cursor = { ...section };
  return Array.from({ length: countOf(cursor) }, () => {
    readByte(cursor);
    const canChange = readByte(cursor) === 1;
    skipConstant(cursor);
    return canChange;
  });
}

function refuseImportedGlobals(cursor: Cursor): void {
  for (let left = countOf(cursor); left > 0; left -= 1) {
    skip(cursor, readNumber(cursor));
    skip(cursor, readNumber(cursor));
    const kind = readByte(cursor);
    if (kind === GLOBAL_KIND) throw UNREADABLE;
    if (kind === 0x00) skipNumber(cursor);
    else skipTableOrMemory(cursor, kind);
  }
}

function skipTableOrMemory(cursor: Cursor, kind: number): void {
  if (kind > 0x02) throw UNREADABLE;
  if (kind === 0x01) readByte(cursor);
  const hasMaximum = readByte(cursor) === 1;
  skipNumber(cursor);
  if (hasMaximum) skipNumber(cursor);
}

/** A constant expression: one constant and its end. */
function skipConstant(cursor: Cursor): void {
  const opcode = readByte(cursor);
  if (opcode === 0x41) skipNumber(cursor);
  else if (opcode === 0x42) skipNumber(cursor, 64);
  else if (opcode === 0x43) skip(cursor, 4);
  else if (opcode === 0x44) skip(cursor, 8);
  else throw UNREADABLE;
  if (readByte(cursor) !== 0x0b) throw UNREADABLE;
}

function withFuel(section: Cursor): readonly Uint8Array[] {
  return extended(section, [[...MUTABLE_I32, 0x41, ...positiveBytes(FUEL_AT_START), 0x0b]]);
}

function withState(section: Cursor, globals: readonly boolean[]): readonly Uint8Array[] {
  const exported = (name: string, index: number) => [
    ...numberBytes(name.length),
    ...Buffer.from(name),
    GLOBAL_KIND,
    ...numberBytes(index),
  ];
  const state = globals.flatMap((canChange, index) =>
    canChange ? [exported(`${STATE_EXPORT}${index}`, index)] : [],
  );
  return extended(section, [exported(FUEL_EXPORT, globals.length), ...state]);
}

/** A vector with more entries at its end. */
function extended(section: Cursor, entries: readonly (readonly number[])[]): readonly Uint8Array[] {
  const cursor = { ...section };
  const count = numberBytes(countOf(cursor) + entries.length);
  const known = cursor.bytes.subarray(cursor.at, cursor.end);
  return [Uint8Array.from(count), known, Uint8Array.from(entries.flat())];
}

function metered(section: Cursor, fuel: number): readonly Uint8Array[] {
  const cursor = { ...section };
  const count = countOf(cursor);
  const parts: Uint8Array[] = [Uint8Array.from(numberBytes(count))];
  for (let left = count; left > 0; left -= 1) {
    const code = meterBody(within(cursor, readNumber(cursor)), fuel);
    parts.push(Uint8Array.from(numberBytes(sizeOf(code))), ...code);
  }
  if (cursor.at !== cursor.end) throw UNREADABLE;
  return parts;
}

function sealed(id: number, content: readonly Uint8Array[]): readonly Uint8Array[] {
  return [Uint8Array.from([id, ...numberBytes(sizeOf(content))]), ...content];
}

const sizeOf = (parts: readonly Uint8Array[]) => parts.reduce((size, part) => size + part.byteLength, 0);

/** How many entries a vector says that it has: each is a byte at least. */
function countOf(cursor: Cursor): number {
  const count = readNumber(cursor);
  if (count > cursor.end - cursor.at) throw UNREADABLE;
  return count;
}
