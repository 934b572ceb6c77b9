// Addresses of machines. The loopback and the unspecified address name no machine in particular and are left alone.
import { isIPv6 } from "node:net";
import { ADDRESS, ALNUM, DIGIT, endOfRun, HEX, isAt } from "../character.ts";
import { DIGITS, type Recognizer } from "../recognizer.ts";

const V4 = /^(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/;
const V4_LENGTH_MAX = 15;
const V6_LENGTH_MAX = 45;

export const ipv4: Recognizer = {
  class: "ipv4",
  anchors: DIGITS,
  seconds: `.${DIGITS}`,
  read(text, at) {
    let end = endOfRun(text, at, DIGIT, at + 4);
    if (text.charAt(end) !== "." || text.charAt(at - 1) === ".") return undefined;
    while (end - at <= V4_LENGTH_MAX && (isAt(text, end, DIGIT) || text.charAt(end) === ".")) end += 1;
    if (text.charAt(end - 1) === ".") end -= 1;
    if (isAt(text, end, ALNUM)) return undefined;
    const address = text.slice(at, end);
    const isMeant = V4.test(address) && !address.startsWith("127.") && address !== "0.0.0.0";
    return isMeant ? { start: at, end } : undefined;
  },
};

export const ipv6: Recognizer = {
  class: "ipv6",
  anchors: `:${DIGITS}abcdefABCDEF`,
  seconds: `:${DIGITS}abcdefABCDEF`,
  read(text, at) {
    if (isAt(text, at - 1, ADDRESS | ALNUM) || !hasColonSoon(text, at)) return undefined;
    let end = endOfRun(text, at, ADDRESS, at + V6_LENGTH_MAX + 1);
    while (end > at && /[.:]/.test(text.charAt(end - 1)) && !text.startsWith("::", end - 2)) end -= 1;
    if (isAt(text, end, ALNUM)) return undefined;
    const address = text.slice(at, end);
    return isIPv6(address) && isTelling(address) ? { start: at, end } : undefined;
  },
};

/** A group has four digits at most. */
const hasColonSoon = (text: string, at: number): boolean =>
  text.charAt(endOfRun(text, at, HEX, at + 5)) === ":";

/** Not loopback, and more than what a programming language writes between two names, such as `a::b`. */
function isTelling(address: string): boolean {
  const groups = address.split(/[:.]/).filter((group) => group !== "");
  return groups.length > 1 && groups.some((group) => group.length > 2) && /\d/.test(address);
}
