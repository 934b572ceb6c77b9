// Kinds of ASCII characters as a table, because scanners ask millions of times. What is not ASCII is of no kind: a letter of another
// script neither joins a number nor parts it from its neighbours.

export const DIGIT = 1;
export const LETTER = 2;
const UNDERSCORE = 4;
const HYPHEN = 8;
const BASE64_SIGN = 16;
export const HEX = 32;
const POINT = 64;
const COLON = 128;

const kinds = new Uint8Array(65_536);
mark("0123456789", DIGIT | HEX);
mark("abcdefABCDEF", HEX);
for (let code = 65; code <= 90; code += 1) mark(String.fromCharCode(code, code + 32), LETTER);
mark("_", UNDERSCORE);
mark("-", HYPHEN);
mark("+/", BASE64_SIGN);
mark(".", POINT);
mark(":", COLON);

function mark(characters: string, kind: number): void {
  for (const character of characters) kinds[character.charCodeAt(0)] = kindOf(character.charCodeAt(0)) | kind;
}

export const ALNUM = DIGIT | LETTER;
/** Letters, digits, `_`. */
export const WORD = ALNUM | UNDERSCORE;
/** Letters, digits, `-`. */
export const ALNUM_HYPHEN = ALNUM | HYPHEN;
/** The alphabet of base64url. */
export const URL_SAFE = WORD | HYPHEN;
/** The alphabet of base64, without padding. */
export const BASE64 = ALNUM | BASE64_SIGN;
/** base64url and points: tokens made of parts. */
export const PARTS = URL_SAFE | POINT;
/** What an IPv6 address is written with. */
export const ADDRESS = HEX | COLON | POINT;

/** Kind of a UTF-16 code unit. */
export function kindOf(code: number): number {
  return kinds[code] ?? 0;
}

/** Whether the character at `at` is of one of these kinds; false beyond the text. */
export function isAt(text: string, at: number, kind: number): boolean {
  return at >= 0 && at < text.length && (kindOf(text.charCodeAt(at)) & kind) !== 0;
}

/** Where the run of such characters that begins at `from` ends, at most at `limit`. */
export function endOfRun(text: string, from: number, kind: number, limit: number = text.length): number {
  let at = from;
  while (at < limit && isAt(text, at, kind)) at += 1;
  return at;
}
