// Private keys: PEM blocks of any label that ends in PRIVATE KEY (a block without an end runs to the end of the text), and the JSON file of
// a Google service account, from brace to brace.
import type { Recognizer } from "../recognizer.ts";

const LABEL_LENGTH_MAX = 64;
const BEGIN = /^-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/;
const END = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;

export const privateKey: Recognizer = {
  class: "ssh_private_key",
  anchors: "-",
  seconds: "-",
  read(text, at) {
    if (!text.startsWith("-----BEGIN ", at) || !BEGIN.test(text.slice(at, at + LABEL_LENGTH_MAX)))
      return undefined;
    END.lastIndex = at;
    const end = END.exec(text);
    return { start: at, end: end === null ? text.length : end.index + end[0].length };
  },
};

const ACCOUNT = "service_account";
/** How far from its type the file's braces may be. */
const BEFORE_MAX = 3_072;
const AFTER_MAX = 4_096;

export const serviceAccountKey: Recognizer = {
  class: "gcp_service_account_key",
  anchors: "s",
  seconds: "e",
  read(text, at) {
    if (!text.startsWith(ACCOUNT, at) || text.charAt(at - 1) !== '"') return undefined;
    const before = text.slice(Math.max(0, at - BEFORE_MAX), at);
    const brace = before.lastIndexOf("{");
    if (brace === -1) return undefined;
    const start = at - before.length + brace;
    const after = text.slice(at, at + AFTER_MAX);
    const close = after.indexOf("}");
    const end = at + (close === -1 ? after.length : close + 1);
    return /"private_key\\?"/.test(text.slice(start, end)) ? { start, end } : undefined;
  },
};
