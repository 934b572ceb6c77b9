// VAT numbers of the European Union (and XI, Northern Ireland): the country's form and, wherever it has one, its check digits. The prefix
// is in capitals; a separator may follow it and stand between groups.
import { ALNUM, isAt } from "../character.ts";
import { passesLuhn, passesMod11And10, weigh } from "../checksum.ts";
import { type Recognizer, UPPER } from "../recognizer.ts";

type Rule = readonly [form: RegExp, isRight: (body: string) => boolean];

const LENGTH_MAX = 12;

const number = (body: string, from: number, to?: number): number => Number(body.slice(from, to));
const digitAt = (body: string, at: number): number => number(body, at, at + 1);
const whatever = (): boolean => true;

/** Body without prefix and separators → whether it is right. */
const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["AT", [/^U\d{8}$/, (body) => (10 - ((doubledSum(body.slice(1, 8)) + 4) % 10)) % 10 === digitAt(body, 8)]],
  ["BE", [/^[01]\d{9}$/, (body) => 97 - (number(body, 0, 8) % 97) === number(body, 8)]],
  ["BG", [/^\d{9,10}$/, (body) => body.length === 10 || isBulgarianFirm(body)]],
  ["CY", [/^[013459]\d{7}[A-Z]$/, whatever]],
  ["CZ", [/^\d{8,10}$/, (body) => body.length > 8 || isCzechFirm(body)]],
  ["DE", [/^[1-9]\d{8}$/, passesMod11And10]],
  ["DK", [/^[1-9]\d{7}$/, (body) => weigh(body, [2, 7, 6, 5, 4, 3, 2, 1]) % 11 === 0]],
  ["EE", [/^\d{9}$/, (body) => weigh(body, [3, 7, 1, 3, 7, 1, 3, 7, 1]) % 10 === 0]],
  [
    "EL",
    [/^\d{9}$/, (body) => (weigh(body, [256, 128, 64, 32, 16, 8, 4, 2]) % 11) % 10 === digitAt(body, 8)],
  ],
  ["ES", [/^([A-Z]\d{7}[0-9A-Z]|\d{8}[A-Z])$/, isSpanish]],
  ["FI", [/^\d{8}$/, (body) => weigh(body, [7, 9, 10, 5, 8, 4, 2, 1]) % 11 === 0]],
  ["FR", [/^[0-9A-HJ-NP-Z]{2}\d{9}$/, isFrench]],
  ["HR", [/^\d{11}$/, passesMod11And10]],
  ["HU", [/^\d{8}$/, (body) => weigh(body, [9, 7, 3, 1, 9, 7, 3, 1]) % 10 === 0]],
  ["IE", [/^(\d{7}[A-W][A-IW]?|\d[A-Z+*]\d{5}[A-W])$/, isIrish]],
  ["IT", [/^\d{11}$/, (body) => passesLuhn(body) && !/^0+$/.test(body)]],
  ["LT", [/^(\d{7}1\d|\d{10}1\d)$/, isLithuanian]],
  ["LU", [/^\d{8}$/, (body) => number(body, 0, 6) % 89 === number(body, 6) && number(body, 0) > 0]],
  [
    "LV",
    [
      /^[4-9]\d{10}$/,
      (body) => (14 - (weigh(body, [9, 1, 4, 8, 3, 10, 2, 5, 7, 6]) % 11)) % 11 === digitAt(body, 10),
    ],
  ],
  ["MT", [/^[1-9]\d{7}$/, (body) => 37 - (weigh(body, [3, 4, 6, 7, 8, 9]) % 37) === number(body, 6)]],
  ["NL", [/^\d{9}B\d{2}$/, isDutch]],
  ["PL", [/^\d{10}$/, (body) => weigh(body, [6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 === digitAt(body, 9)]],
  [
    "PT",
    [
      /^[1-9]\d{8}$/,
      (body) => ((11 - (weigh(body, [9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 11) % 10 === digitAt(body, 8),
    ],
  ],
  [
    "RO",
    [
      /^[1-9]\d{5,9}$/,
      (body) =>
        ((weigh(body.padStart(10, "0"), [7, 5, 3, 2, 1, 7, 5, 3, 2]) * 10) % 11) % 10 ===
        digitAt(body, body.length - 1),
    ],
  ],
  ["SE", [/^\d{10}01$/, (body) => passesLuhn(body.slice(0, 10))]],
  ["SI", [/^[1-9]\d{7}$/, (body) => isSlovenian(body)]],
  ["SK", [/^[1-9]\d[2-46-9]\d{7}$/, (body) => Number(body) % 11 === 0]],
  ["XI", [/^\d{9}(\d{3})?$/, isBritish]],
]);

export const vatNumber: Recognizer = {
  class: "vat_eu",
  anchors: UPPER,
  seconds: UPPER,
  read(text, at) {
    const rule = RULES.get(text.slice(at, at + 2));
    if (rule === undefined) return undefined;
    const [form, isRight] = rule;
    let body = "";
    for (let from = at + 2; from < text.length && body.length <= LENGTH_MAX; from += 1) {
      if (isAt(text, from, ALNUM)) body += text.charAt(from);
      else if (!" .-".includes(text.charAt(from)) || !isAt(text, from + 1, ALNUM)) break;
      const isWhole = !isAt(text, from + 1, ALNUM);
      if (isWhole && form.test(body) && isRight(body)) return { start: at, end: from + 1 };
    }
    return undefined;
  },
};

/** Sum as in Luhn, the second digit and every other one doubled. */
function doubledSum(digits: string): number {
  return [...digits].reduce((sum, digit, at) => {
    const value = Number(digit) * (at % 2 === 1 ? 2 : 1);
    return sum + (value > 9 ? value - 9 : value);
  }, 0);
}

function isBulgarianFirm(body: string): boolean {
  const first = weigh(body, [1, 2, 3, 4, 5, 6, 7, 8]) % 11;
  const check = first < 10 ? first : (weigh(body, [3, 4, 5, 6, 7, 8, 9, 10]) % 11) % 10;
  return check === digitAt(body, 8);
}

function isCzechFirm(body: string): boolean {
  return (11 - (weigh(body, [8, 7, 6, 5, 4, 3, 2]) % 11)) % 10 === digitAt(body, 7);
}

/** A person's number ends in a letter by its remainder; a firm's in a digit or a letter of another table. */
function isSpanish(body: string): boolean {
  const person = /^[XYZ\d]/.test(body)
    ? body.replace(/^[XYZ]/, (letter) => String("XYZ".indexOf(letter)))
    : "";
  if (person !== "") return "TRWAGMYFPDXBNJZSQVHLCKE"[number(person, 0, 8) % 23] === body.at(-1);
  if (!/^[A-HJ-NP-SUVW]/.test(body)) return false;
  const digits = body.slice(1, 8);
  const sum = [...digits].reduce((total, digit, at) => {
    const value = Number(digit) * (at % 2 === 0 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  const check = (10 - (sum % 10)) % 10;
  return body.at(-1) === String(check) || body.at(-1) === "JABCDEFGHI"[check];
}

function isFrench(body: string): boolean {
  const siren = body.slice(2);
  if (!/^\d{2}/.test(body)) return passesLuhn(siren);
  return (12 + 3 * (Number(siren) % 97)) % 97 === number(body, 0, 2);
}

function isIrish(body: string): boolean {
  if (!/^\d{7}/.test(body)) return true;
  const second = body.charCodeAt(8) - 64;
  const sum = weigh(body, [8, 7, 6, 5, 4, 3, 2]) + (Number.isNaN(second) ? 0 : (second % 23) * 9);
  return "WABCDEFGHIJKLMNOPQRSTUV"[sum % 23] === body.charAt(7);
}

function isLithuanian(body: string): boolean {
  const last = body.length - 1;
  const weights = (first: number) => Array.from({ length: last }, (_, at) => ((at + first - 1) % 9) + 1);
  const sum = weigh(body, weights(1)) % 11;
  const check = sum < 10 ? sum : (weigh(body, weights(3)) % 11) % 10;
  return check === digitAt(body, last);
}

/** Firms pass the weighted sum; the numbers of the self-employed, since 2020, have a remainder of 1 by 97 over the whole. */
function isDutch(body: string): boolean {
  const isFirm = weigh(body, [9, 8, 7, 6, 5, 4, 3, 2]) % 11 === digitAt(body, 8);
  return isFirm || BigInt(`2321${body.slice(0, 9)}11${body.slice(10)}`) % 97n === 1n;
}

function isSlovenian(body: string): boolean {
  const check = 11 - (weigh(body, [8, 7, 6, 5, 4, 3, 2]) % 11);
  return check !== 11 && check % 10 === digitAt(body, 7);
}

function isBritish(body: string): boolean {
  const sum = weigh(body, [8, 7, 6, 5, 4, 3, 2]) + number(body, 7, 9);
  return sum % 97 === 0 || (sum + 55) % 97 === 0;
}
