// What every place in which secrets are found has in common: which texts are secrets at all, and how it is said that there is none. Neither
// ever repeats a text that was found.
import { type Secret, secret } from "@postern/config";
import { Fault } from "@postern/fault";

/** Asks for one secret. @throws Fault as `noSecret` and `secretTrouble` make it. */
export type FetchSecret = () => Promise<Secret>;

export const SECRET_BYTES_MAX = 65_536;

/** A header takes printable ASCII without blanks at its ends; so does a client secret (RFC 6749 A.2). */
const USABLE = /^[\x21-\x7e](?:[\x20-\x7e]{0,16383}[\x21-\x7e])?$/;

/** The secret that a text is, without the line end that editors put after it. */
export function secretOf(text: string): Secret {
  const value = text.replace(/\r?\n$/, "");
  if (value === "") throw noSecret("it is empty");
  if (!USABLE.test(value)) throw noSecret("it is too long, or holds characters that no header may hold");
  return secret(value);
}

/** There is none, and asking again at once would not help: what was known before is not used any more. */
export const noSecret = (why: string) =>
  new Fault("not_found", "upstream.secret", `There is no secret: ${why}.`);

/** It is not known now whether there is one. */
export const secretTrouble = (why: string) =>
  new Fault("unavailable", "upstream.secret", `The secret cannot be had now: ${why}.`);
