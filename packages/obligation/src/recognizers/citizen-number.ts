// Numbers that a state gives to a person: the Dutch citizen service number (11-test) and the US social security number (no check digit,
// so it must be written in its groups, or be named).
import { DIGIT, endOfRun } from "../character.ts";
import { passesElevenTest } from "../checksum.ts";
import { isGroupAfter, readGroups } from "../digit-groups.ts";
import { DIGITS, type Recognizer } from "../recognizer.ts";

const LENGTH = 9;
/** How far before a bare number its name may stand. */
const NAME_DISTANCE = 24;

export const citizenServiceNumber: Recognizer = {
  class: "bsn",
  anchors: DIGITS,
  seconds: DIGITS,
  read(text, at) {
    const first = endOfRun(text, at, DIGIT, at + LENGTH + 1) - at;
    if (first !== LENGTH && !((first === 4 || first === 3) && isGroupAfter(text, at + first, 2)))
      return undefined;
    const found = readGroups(text, at, LENGTH, " .-").find(({ groups }) =>
      ["9", "4,2,3", "3,3,3", "4,3,2"].includes(groups.join()),
    );
    return found !== undefined && passesElevenTest(found.digits) ? { start: at, end: found.end } : undefined;
  },
};

export const socialSecurityNumber: Recognizer = {
  class: "ssn_us",
  anchors: DIGITS,
  seconds: DIGITS,
  read(text, at) {
    const first = endOfRun(text, at, DIGIT, at + LENGTH + 1) - at;
    if (first !== LENGTH && !(first === 3 && isGroupAfter(text, at + first, 2))) return undefined;
    const found = readGroups(text, at, LENGTH, " -").find(({ groups }) =>
      ["9", "3,2,4"].includes(groups.join()),
    );
    if (found === undefined || !isSocialSecurityNumber(found.digits)) return undefined;
    if (found.groups.length > 1) return { start: at, end: found.end };
    const before = text.slice(Math.max(0, at - NAME_DISTANCE), at);
    return /\bssn\b|social.security/i.test(before) ? { start: at, end: found.end } : undefined;
  },
};

/** Whether nine digits can be one: no part is all zeros, and areas 666 and from 900 on are never given out. */
export function isSocialSecurityNumber(digits: string): boolean {
  return /^(?!000|666|9)\d{3}(?!00)\d{2}(?!0000)\d{4}$/.test(digits);
}
