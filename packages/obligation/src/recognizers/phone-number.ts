// International telephone numbers (E.164): "+" or "00", a country code that is assigned, 9 to 15 digits in all, grouped as people group
// them. National numbers look like any other number and are not found.
import { ALNUM, DIGIT, isAt } from "../character.ts";
import { DIGITS, type Recognizer, type Span } from "../recognizer.ts";

const DIGITS_MIN = 9;
const DIGITS_MAX = 15;
/** Country codes that are assigned (ITU-T E.164). */
const ASSIGNED = new RegExp(
  "^(1|7|20|21[12368]|2[2346]\\d|25[0-8]|27|29[0-17-9]|3[0-469]|35\\d|37\\d|38[0-35-79]|4[013-9]|42[013]|5[1-8]|50\\d|59\\d|6[0-6]|67[02-9]|" +
    "68[0-35-9]|69[0-2]|8[1246]|80[08]|85[02356]|87[08]|88[0-368]|9[0-58]|96[0-8]|97[0-79]|99[2-68])",
);
const SEPARATORS = " .-/()";
/** After "00" fewer, because identifiers begin with zeros and are parted by hyphens too. */
const DIALLED_SEPARATORS = " ";

export const phoneNumber: Recognizer = {
  class: "phone_intl",
  anchors: "+0",
  seconds: DIGITS,
  read(text, at) {
    if (text.charAt(at) === "+")
      return isAt(text, at - 1, ALNUM) ? undefined : readNumber(text, at, at + 1, SEPARATORS);
    const isDialled = text.startsWith("00", at) && text.charAt(at - 1) !== ".";
    return isDialled ? readNumber(text, at, at + 2, DIALLED_SEPARATORS) : undefined;
  },
};

/** The longest whole number of groups that makes a telephone number. */
function readNumber(text: string, start: number, from: number, separators: string): Span | undefined {
  let digits = "";
  let found: Span | undefined;
  for (let at = from; at < text.length; at += 1) {
    if (isAt(text, at, DIGIT)) {
      digits += text.charAt(at);
      if (digits.length > DIGITS_MAX) break;
      if (!isAt(text, at + 1, ALNUM) && isTelephone(digits)) found = { start, end: at + 1 };
    } else if (!separators.includes(text.charAt(at)) || !isSeparated(text, at)) break;
  }
  return found;
}

/** At most two separators in a row: ") " or " (". */
function isSeparated(text: string, at: number): boolean {
  const isSeparator = (where: number) => SEPARATORS.includes(text.charAt(where) || "x");
  return !(isSeparator(at - 1) && isSeparator(at - 2));
}

function isTelephone(digits: string): boolean {
  if (digits.length < DIGITS_MIN || !ASSIGNED.test(digits)) return false;
  if (digits.startsWith("1")) return /^1[2-9]\d{9}$/.test(digits);
  return !digits.startsWith("7") || digits.length === 11;
}
