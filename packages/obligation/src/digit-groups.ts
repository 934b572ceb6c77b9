// Reads numbers that people write in groups: "4111 1111 1111 1111", "123-45-6789", "1234.56.789". A number counts only when it stands by
// itself: no letter or digit touches it, and it is no part of a decimal fraction.
import { ALNUM, DIGIT, endOfRun, isAt } from "./character.ts";

export interface GroupedNumber {
  readonly digits: string;
  /** Length of each group. */
  readonly groups: readonly number[];
  readonly end: number;
}

const POINT = 46;

/**
 * Every reading of the number that begins at `at`, the longest first: all groups of it, or fewer. At most `digitsMax` digits; groups are
 * parted by one character of `separators`.
 */
export function readGroups(text: string, at: number, digitsMax: number, separators: string): GroupedNumber[] {
  if (isFractionBefore(text, at)) return [];
  const readings: GroupedNumber[] = [];
  const groups: number[] = [];
  let digits = "";
  for (let from = at; ; ) {
    const end = endOfRun(text, from, DIGIT, from + digitsMax + 1 - digits.length);
    if (end === from) break;
    digits += text.slice(from, end);
    if (digits.length > digitsMax || isAt(text, end, ALNUM)) break;
    groups.push(end - from);
    if (!isFractionAfter(text, end)) readings.unshift({ digits, groups: [...groups], end });
    if (end >= text.length || !separators.includes(text.charAt(end))) break;
    from = end + 1;
  }
  return readings;
}

/** Whether a character that is no letter, and then at least `count` digits, stand at `at`: worth a closer look. */
export function isGroupAfter(text: string, at: number, count: number): boolean {
  return !isAt(text, at, ALNUM) && endOfRun(text, at + 1, DIGIT, at + 1 + count) === at + 1 + count;
}

const isFractionBefore = (text: string, at: number): boolean =>
  text.charCodeAt(at - 1) === POINT && isAt(text, at - 2, DIGIT);

const isFractionAfter = (text: string, end: number): boolean =>
  text.charCodeAt(end) === POINT && isAt(text, end + 1, DIGIT);
