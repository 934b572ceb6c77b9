// Asks the recognizers, in one pass over the text. A word is looked at once, at its end, when it is known whether it holds a digit; most
// words then have nobody to ask. No recognizer is asked again inside its own last match, which keeps hostile repetitions linear.
import { ALNUM, DIGIT, kindOf } from "./character.ts";
import type { Recognizer, Span } from "./recognizer.ts";

export interface Match extends Span {
  readonly class: string;
}

export interface Finder {
  /** Every match of every recognizer, overlapping ones too; undefined when the text is not ASCII and must be folded first. */
  find(text: string): readonly Match[] | undefined;
  /** As `find`, for a text that was folded: characters beyond ASCII that are left stand for nothing. */
  findFolded(text: string): readonly Match[];
}

const NOTHING: readonly Match[] = [];
const CODES = 128;
/** Beside the kinds of characters: somebody is anchored there. */
const ANCHOR = 128;

export function createFinder(recognizers: readonly Recognizer[]): Finder {
  const lists = createLists(recognizers);
  const steps = new Uint8Array(CODES).map((_, code) => kindOf(code) & ALNUM);
  for (const { anchors } of recognizers) {
    for (const anchor of anchors)
      steps[anchor.charCodeAt(0)] = (kindOf(anchor.charCodeAt(0)) & ALNUM) | ANCHOR;
  }
  // One search at a time uses these; they are cleared after one that found something.
  const resumeAt = new Int32Array(recognizers.length);
  let found: Match[] = [];

  function ask(text: string, at: number, hasDigit: boolean): void {
    const candidates = lists.at(text, at, hasDigit);
    for (const index of candidates) {
      const recognizer = recognizers[index];
      if (recognizer === undefined || at < (resumeAt[index] ?? 0)) continue;
      const span = recognizer.read(text, at);
      if (span === undefined) continue;
      resumeAt[index] = span.end;
      found.push({ class: recognizer.class, start: span.start, end: span.end });
    }
  }

  /** Whether the whole text was read: not when it goes beyond ASCII and `isFolded` is false. */
  function scan(text: string, isFolded: boolean): boolean {
    const { length } = text;
    let wordAt = 0;
    let word = 0;
    for (let at = 0; at < length; at += 1) {
      const code = text.charCodeAt(at);
      if (code >= CODES && !isFolded) return false;
      const step = code < CODES ? (steps[code] ?? 0) : 0;
      if ((step & ALNUM) !== 0) {
        if (word === 0) wordAt = at;
        word |= step;
        continue;
      }
      if (word !== 0) {
        if (((steps[text.charCodeAt(wordAt)] ?? 0) & ANCHOR) !== 0) ask(text, wordAt, (word & DIGIT) !== 0);
        word = 0;
      }
      if (step === ANCHOR) ask(text, at, true);
    }
    if (word !== 0) ask(text, wordAt, (word & DIGIT) !== 0);
    return true;
  }

  function search(text: string, isFolded: boolean): readonly Match[] | undefined {
    const isWhole = scan(text, isFolded);
    if (found.length === 0) return isWhole ? NOTHING : undefined;
    const matches = found;
    found = [];
    resumeAt.fill(0);
    return isWhole ? matches : undefined;
  }

  return { find: (text) => search(text, false), findFolded: (text) => search(text, true) ?? NOTHING };
}

const NOBODY: readonly number[] = [];

/** Whom to ask at a character, by the one that follows and by whether the word holds a digit; made out when it is first needed. */
function createLists(recognizers: readonly Recognizer[]) {
  const lists: (readonly number[])[] = [NOBODY];
  const rows: (Uint8Array | undefined)[] = Array.from({ length: 2 * CODES });

  function fill(row: Uint8Array, first: number, second: number, hasDigit: boolean): readonly number[] {
    const list = [...recognizers.keys()].filter((index) => {
      const { anchors = "", seconds, needsDigit } = recognizers[index] ?? {};
      const follows = seconds === undefined || seconds.includes(String.fromCharCode(second));
      return anchors.includes(String.fromCharCode(first)) && follows && (hasDigit || needsDigit !== true);
    });
    const same = lists.findIndex((other) => other.join() === list.join());
    row[second] = 1 + (same === -1 ? lists.push(list) - 1 : same);
    return list;
  }

  return {
    /** Positions in `recognizers`. */
    at(text: string, at: number, hasDigit: boolean): readonly number[] {
      const first = text.charCodeAt(at);
      const next = at + 1 < text.length ? text.charCodeAt(at + 1) : 0;
      const second = next < CODES ? next : 0;
      const rowAt = hasDigit ? first : first + CODES;
      let row = rows[rowAt];
      if (row === undefined) {
        row = new Uint8Array(CODES);
        rows[rowAt] = row;
      }
      const which = row[second] ?? 0;
      return which === 0 ? fill(row, first, second, hasDigit) : (lists[which - 1] ?? NOBODY);
    },
  };
}
