// The binary format of WebAssembly, as far as a module is taken apart and put together again: a cursor that never reads past its
// end, and LEB128 numbers. (https://www.w3.org/TR/wasm-core-1/#binary-format%E2%91%A0)

export interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
  /** First position that is not its own. */
  readonly end: number;
}

/** What cannot be read: unknown to us, cut off, or no WebAssembly. */
export const UNREADABLE: unique symbol = Symbol("unreadable");

export const cursorOver = (bytes: Uint8Array, at = 0, end: number = bytes.byteLength): Cursor => ({
  bytes,
  at,
  end,
});

/** Throws UNREADABLE at the end, as every function here does. */
export function readByte(cursor: Cursor): number {
  const byte = cursor.at < cursor.end ? cursor.bytes[cursor.at] : undefined;
  if (byte === undefined) throw UNREADABLE;
  cursor.at += 1;
  return byte;
}

/** An unsigned number of at most 32 bits. */
export function readNumber(cursor: Cursor): number {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = readByte(cursor);
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) {
      if (value > 0xffff_ffff) throw UNREADABLE;
      return value;
    }
  }
  throw UNREADABLE;
}

/** Passes over a number of at most `bits` bits whose value does not matter. */
export function skipNumber(cursor: Cursor, bits: 32 | 33 | 64 = 32): void {
  for (let shift = 0; shift < bits; shift += 7) if (readByte(cursor) < 0x80) return;
  throw UNREADABLE;
}

export function skip(cursor: Cursor, count: number): void {
  if (count > cursor.end - cursor.at) throw UNREADABLE;
  cursor.at += count;
}

/** A cursor over the next `count` bytes, which are passed over. */
export function within(cursor: Cursor, count: number): Cursor {
  const start = cursor.at;
  skip(cursor, count);
  return cursorOver(cursor.bytes, start, cursor.at);
}

/** Unsigned LEB128 of a natural number below 2^32. */
export function numberBytes(value: number): readonly number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 0x80);
  }
}

/** Signed LEB128 of a natural number below 2^31. */
export function positiveBytes(value: number): readonly number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 64) return [...bytes, rest];
    bytes.push((rest % 128) | 0x80);
  }
}
