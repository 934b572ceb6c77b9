// E-mail addresses, found by their "@". Letters of other scripts belong to an address only where its neighbour of "@" is one, so that an
// address inside unspaced Chinese or Japanese text is found without the text around it.
import { ALNUM, isAt, LETTER } from "../character.ts";
import type { Recognizer } from "../recognizer.ts";

/** Of the signs that RFC 5321 allows, those that people use; "=", "/" and "&" stand before an address more often than in one. */
const LOCAL_SIGNS = "._%+-'~!#$*^";
/** From here on, scripts that are written without spaces or from right to left; before it, Latin, Greek and Cyrillic. */
const OTHER_SCRIPTS = 0x530;
const LATIN_BEYOND_ASCII = 0xc0;

export const email: Recognizer = {
  class: "email",
  anchors: "@",
  read(text, at) {
    const start = startOfLocal(text, at);
    if (start === at) return undefined;
    const end = endOfDomain(text, at + 1);
    return end === undefined ? undefined : { start, end };
  },
};

function startOfLocal(text: string, at: number): number {
  const isOther = text.charCodeAt(at - 1) >= OTHER_SCRIPTS;
  let start = at;
  while (start > 0 && isLocal(text, start - 1, isOther)) start -= 1;
  while (start < at && ".-'~!#$*^".includes(text.charAt(start))) start += 1;
  return start;
}

function isLocal(text: string, at: number, isOther: boolean): boolean {
  return isLabel(text, at, isOther) || LOCAL_SIGNS.includes(text.charAt(at));
}

/** Where the domain ends: labels parted by points, the last one beginning with a letter and of two characters or more. */
function endOfDomain(text: string, from: number): number | undefined {
  let end: number | undefined;
  for (let label = from; ; ) {
    const isOther = text.charCodeAt(label) >= OTHER_SCRIPTS;
    let at = label;
    while (at < text.length && (isLabel(text, at, isOther) || text.charAt(at) === "-")) at += 1;
    if (at === label) return end;
    const isTop = label > from && at - label >= 2 && (isOther || isAt(text, label, LETTER));
    if (isTop) end = at;
    if (text.charAt(at) !== ".") return end;
    label = at + 1;
  }
}

function isLabel(text: string, at: number, isOther: boolean): boolean {
  if (isAt(text, at, ALNUM)) return true;
  const code = text.charCodeAt(at);
  return isOther ? code >= LATIN_BEYOND_ASCII : code >= LATIN_BEYOND_ASCII && code < OTHER_SCRIPTS;
}
