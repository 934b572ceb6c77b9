// Secrets that only their name gives away: `api_key = …`, `"SecretAccessKey": "…"`, or the property of an object. The value must look drawn
// by lot, because "password: required" is no password.
import { BASE64, endOfRun, isAt, WORD } from "../character.ts";
import type { Recognizer } from "../recognizer.ts";
import { hasLetterAndDigit } from "./bearer-token.ts";
import { isSocialSecurityNumber } from "./citizen-number.ts";
import { isMixture } from "./secret-token.ts";

const AWS_LENGTH = 40;
const KEY_LENGTH_MIN = 16;
const PASSWORD_LENGTH_MIN = 8;
const NAME_LENGTH_MAX = 48;
const CONTEXT_LENGTH = 100;
const VALUE_SIGNS = "._-+/~!@#$%^*";

/** Names, in small letters and without separators. Cursors are tokens too, but open nothing. */
const HINT = /key|secret|token|credential|pass|pwd/i;
const KEY_NAME = /(apikey|secret|token|accesskey|privatekey|authkey|signingkey|encryptionkey|credentials?)$/;
const CURSOR_NAME = /page|cursor|next|continuation|sync|progress|cancel/;
const PASSWORD_NAME = /(password|passwd|passphrase|pwd)$/;

/** A name as these rules read it; undefined when it is too long to be one. */
const plainName = (name: string): string | undefined =>
  name.length > NAME_LENGTH_MAX ? undefined : name.toLowerCase().replace(/[^a-z0-9]/g, "");

function isSecretUnder(name: string, value: string): boolean {
  if (!HINT.test(name) || !hasLetterAndDigit(value)) return false;
  const plain = plainName(name) ?? "";
  if (PASSWORD_NAME.test(plain)) return value.length >= PASSWORD_LENGTH_MIN;
  return value.length >= KEY_LENGTH_MIN && KEY_NAME.test(plain) && !CURSOR_NAME.test(plain);
}

/** `name: value`, `name=value`, `"name": "value"`, `name => 'value'` within a text. */
export const assignedSecret: Recognizer = {
  class: "generic_api_key",
  anchors: ":=",
  read(text, at) {
    const from = skip(text, at + 1, 6, " \t>=\"'`\\");
    const end = endOfValue(text, from);
    if (end - from < PASSWORD_LENGTH_MIN) return undefined;
    return isSecretUnder(nameBefore(text, at), text.slice(from, end)) ? { start: from, end } : undefined;
  },
};

function nameBefore(text: string, at: number): string {
  let end = at;
  for (let left = 4; left > 0 && end > 0 && " \"'`\\:".includes(text.charAt(end - 1)); left -= 1) end -= 1;
  let start = end;
  while (
    start > 0 &&
    end - start < NAME_LENGTH_MAX &&
    (isAt(text, start - 1, WORD) || text.charAt(start - 1) === "-")
  )
    start -= 1;
  return text.slice(start, end);
}

function skip(text: string, from: number, most: number, characters: string): number {
  let at = from;
  while (at < text.length && at - from < most && characters.includes(text.charAt(at))) at += 1;
  return at;
}

/** Values end at white space, quotes, separators and the next assignment; padding belongs to them. */
function endOfValue(text: string, from: number): number {
  let end = from;
  while (end < text.length && (isAt(text, end, WORD) || VALUE_SIGNS.includes(text.charAt(end)))) end += 1;
  return end > from ? skip(text, end, 2, "=") : end;
}

/** Forty characters of base64 with capitals, small letters and digits, close after a word that speaks of AWS or of a secret. */
export const awsSecretKey: Recognizer = {
  class: "aws_secret_key",
  anchors: "aAsS",
  seconds: "wWkKsSeE",
  read(text, at) {
    if (!/^(aws|secret|AKIA|ASIA)/i.test(text.slice(at, at + 6))) return undefined;
    const limit = Math.min(text.length, at + CONTEXT_LENGTH);
    for (let from = at; from < limit; ) {
      const end = endOfRun(text, from, BASE64, from + AWS_LENGTH + 1);
      if (end - from === AWS_LENGTH && isMixture(text.slice(from, end))) return { start: from, end };
      from = endOfRun(text, end, BASE64, limit) + 1;
    }
    return undefined;
  },
};

/** What the name of a property says about its whole value: a class, or undefined. Numbers come as their digits. */
export function classUnderName(name: string, value: string): string | undefined {
  if (/^\d{9}$/.test(value)) return citizenNumberUnder(name, value);
  if (value.length < PASSWORD_LENGTH_MIN || endOfValue(value, 0) !== value.length) return undefined;
  const isAwsForm = value.length === AWS_LENGTH && /^[A-Za-z0-9+/]+$/.test(value) && isMixture(value);
  if (isAwsForm && /aws|secret/.test(plainName(name) ?? "")) return "aws_secret_key";
  return isSecretUnder(name, value) ? "generic_api_key" : undefined;
}

function citizenNumberUnder(name: string, digits: string): string | undefined {
  const plain = plainName(name) ?? "";
  if (/bsn$|burgerservicenummer|citizenservicenumber/.test(plain)) return "bsn";
  return /ssn$|socialsecurity/.test(plain) && isSocialSecurityNumber(digits) ? "ssn_us" : undefined;
}
