// Tokens that whoever holds them may use: JSON web tokens, and what stands after "Bearer" in an Authorization header.
import { BASE64, DIGIT, endOfRun, isAt, LETTER, PARTS, URL_SAFE } from "../character.ts";
import type { Recognizer, Span } from "../recognizer.ts";
import { isMixture } from "./secret-token.ts";

const HEADER_LENGTH_MIN = 10;
const PARTS_MAX = 5;
const POINT = ".";

/** "eyJ" is `{"` in base64url, so a header; two more parts make a signed token (the last may be empty), four an encrypted one. */
export const jsonWebToken: Recognizer = {
  class: "jwt",
  anchors: "e",
  seconds: "y",
  read(text, at) {
    if (!text.startsWith("eyJ", at) || isAt(text, at - 1, URL_SAFE)) return undefined;
    let end = endOfRun(text, at, URL_SAFE);
    if (end - at < HEADER_LENGTH_MIN) return undefined;
    let parts = 1;
    let whole = end;
    while (parts < PARTS_MAX && text.charAt(end) === POINT) {
      const from = end + 1;
      end = endOfRun(text, from, URL_SAFE);
      parts += 1;
      if (parts === 3 || end > from) whole = end;
    }
    return parts < 3 ? undefined : { start: at, end: whole };
  },
};

const TOKEN_LENGTH_MIN = 16;
const SPACES_MAX = 4;
const SCHEME = "bearer";
const GOOGLE = "ya29.";

export const bearerToken: Recognizer = {
  class: "oauth_bearer",
  anchors: "bBy",
  seconds: "aeE",
  read(text, at) {
    if (text.startsWith(GOOGLE, at)) return readToken(text, at);
    if (text.slice(at, at + SCHEME.length).toLowerCase() !== SCHEME) return undefined;
    let from = at + SCHEME.length;
    const spacesEnd = from + SPACES_MAX;
    while (from < spacesEnd && /[\s:="'\\]|%20/.test(text.charAt(from))) from += 1;
    return from === at + SCHEME.length ? undefined : readToken(text, from);
  },
};

/** A run in the alphabet of RFC 6750 that looks drawn by lot: it has letters, and digits or letters of both sizes. */
function readToken(text: string, from: number): Span | undefined {
  let end = endOfRun(text, from, PARTS | BASE64);
  while (text.charAt(end - 1) === POINT) end -= 1;
  if (end - from < TOKEN_LENGTH_MIN) return undefined;
  while (text.charAt(end) === "=") end += 1;
  const token = text.slice(from, end);
  return hasLetterAndDigit(token) || isMixture(token) ? { start: from, end } : undefined;
}

export function hasLetterAndDigit(text: string): boolean {
  let kinds = 0;
  for (let at = 0; at < text.length && kinds !== (DIGIT | LETTER); at += 1) {
    if (isAt(text, at, DIGIT)) kinds |= DIGIT;
    if (isAt(text, at, LETTER)) kinds |= LETTER;
  }
  return kinds === (DIGIT | LETTER);
}
