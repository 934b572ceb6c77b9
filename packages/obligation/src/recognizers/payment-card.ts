// Payment cards: a prefix and a length that a card scheme uses, grouped as printed on cards, and a correct last digit (Luhn).
import { DIGIT, endOfRun } from "../character.ts";
import { passesLuhn } from "../checksum.ts";
import { isGroupAfter, readGroups } from "../digit-groups.ts";
import { DIGITS, type Recognizer } from "../recognizer.ts";

const DIGITS_MIN = 13;
const DIGITS_MAX = 19;

/** Prefixes and lengths: Visa, Mastercard, American Express, Diners Club, Discover, JCB, UnionPay, Maestro. */
const SCHEMES: readonly (readonly [prefix: RegExp, lengths: readonly number[]])[] = [
  [/^4/, [13, 16, 19]],
  [/^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, [16]],
  [/^3[47]/, [15]],
  [/^3(0[0-5]|095|[689])/, [14, 16, 19]],
  [/^(6011|64[4-9]|65)/, [16, 19]],
  [/^35(2[89]|[3-8])/, [16, 17, 18, 19]],
  [/^(62|81)/, [16, 17, 18, 19]],
  [/^(50[0-9]|5[6-9]|6[3-7])/, [13, 14, 15, 16, 17, 18, 19]],
];

export const paymentCard: Recognizer = {
  class: "credit_card",
  anchors: DIGITS,
  seconds: DIGITS,
  read(text, at) {
    const first = endOfRun(text, at, DIGIT, at + DIGITS_MAX + 1) - at;
    if (first === 4 ? !isGroupAfter(text, at + first, 4) : first < DIGITS_MIN || first > DIGITS_MAX)
      return undefined;
    for (const { digits, groups, end } of readGroups(text, at, DIGITS_MAX, " -.")) {
      if (isGroupedAsCard(groups) && isCard(digits)) return { start: at, end };
    }
    return undefined;
  },
};

/** Whether these digits are a card's number. */
export function isCard(digits: string): boolean {
  if (digits.length < DIGITS_MIN) return false;
  const isIssued = SCHEMES.some(
    ([prefix, lengths]) => lengths.includes(digits.length) && prefix.test(digits),
  );
  return isIssued && passesLuhn(digits);
}

function isGroupedAsCard(groups: readonly number[]): boolean {
  if (groups.length === 1) return true;
  if (groups.length === 3 && groups[1] === 6) return groups[2] === 4 || groups[2] === 5;
  return groups.every((length, at) => length === 4 || (at === groups.length - 1 && length < 4));
}
