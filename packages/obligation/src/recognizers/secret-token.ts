// Secrets that carry their own mark: a prefix that their issuer gives them, so that no context is needed to know them.
import { ALNUM, ALNUM_HYPHEN, endOfRun, isAt, PARTS, URL_SAFE, WORD } from "../character.ts";
import type { Recognizer, Span } from "../recognizer.ts";

interface Form {
  readonly prefix: string;
  /** Kind of the characters that follow the prefix. */
  readonly kind: number;
  /** Least count of them. */
  readonly min: number;
  /** Exact count of them, where the issuer never varies it. */
  readonly exactly?: number;
  /** Whether capitals, small letters and digits must all be there, because the prefix alone begins ordinary words too. */
  readonly isMixed?: boolean;
}

/** A recognizer of texts that begin with one of these prefixes. */
function tokens(name: string, forms: readonly Form[]): Recognizer {
  return {
    class: name,
    anchors: [...new Set(forms.map(({ prefix }) => prefix.charAt(0)))].join(""),
    seconds: [...new Set(forms.map(({ prefix }) => prefix.charAt(1)))].join(""),
    read(text, at) {
      const form = forms.find(({ prefix }) => text.startsWith(prefix, at));
      return form && readForm(text, at, form);
    },
  };
}

function readForm(text: string, at: number, { prefix, kind, min, exactly, isMixed }: Form): Span | undefined {
  // A run that an earlier prefix has begun already was judged with that prefix.
  if (isMixed === true && isAt(text, at - 1, kind)) return undefined;
  const from = at + prefix.length;
  const end = endOfRun(text, from, kind, exactly === undefined ? text.length : from + exactly);
  if (end - from < min) return undefined;
  if (exactly !== undefined && isAt(text, end, ALNUM)) return undefined;
  return isMixed === true && !isMixture(text.slice(from, end)) ? undefined : { start: at, end };
}

export const isMixture = (text: string): boolean =>
  /[A-Z]/.test(text) && /[a-z]/.test(text) && /\d/.test(text);

const AWS_KEY_LENGTH = 16;

export const awsAccessKey: Recognizer = tokens(
  "aws_access_key",
  ["AKIA", "ASIA", "ABIA", "ACCA"].map((prefix) => ({
    prefix,
    kind: ALNUM,
    min: AWS_KEY_LENGTH,
    exactly: AWS_KEY_LENGTH,
  })),
);

export const githubToken: Recognizer = tokens("github_pat", [
  { prefix: "github_pat_", kind: WORD, min: 40 },
  ...["ghp_", "gho_", "ghu_", "ghs_", "ghr_"].map((prefix) => ({ prefix, kind: WORD, min: 36 })),
]);

export const slackToken: Recognizer = tokens("slack_token", [
  ...["xoxa-", "xoxb-", "xoxc-", "xoxd-", "xoxe-", "xoxe.", "xoxo-", "xoxp-", "xoxr-", "xoxs-"].map(
    (prefix) => ({
      prefix,
      kind: ALNUM_HYPHEN,
      min: 10,
    }),
  ),
  { prefix: "xapp-", kind: ALNUM_HYPHEN, min: 20 },
]);

export const stripeKey: Recognizer = tokens("stripe_key", [
  ...["sk_live_", "sk_test_", "rk_live_", "rk_test_"].map((prefix) => ({ prefix, kind: ALNUM, min: 16 })),
  { prefix: "whsec_", kind: ALNUM, min: 24 },
]);

export const npmToken: Recognizer = tokens("npm_token", [{ prefix: "npm_", kind: ALNUM, min: 36 }]);

/** Capability tokens are PASETO v4.public blocks joined by "~", and the key that may narrow one is a PASERK. */
export const posternToken: Recognizer = {
  class: "postern_token",
  anchors: "vk",
  seconds: "4",
  read(text, at) {
    if (text.startsWith("v4.", at)) return readBlocks(text, at);
    const form = [
      { prefix: "k4.secret.", kind: URL_SAFE, min: 80 },
      { prefix: "k4.local.", kind: URL_SAFE, min: 40 },
    ].find(({ prefix }) => text.startsWith(prefix, at));
    return form && readForm(text, at, form);
  },
};

const PASETO_MIN = 64;

function readBlocks(text: string, at: number): Span | undefined {
  const prefix = ["v4.public.", "v4.local."].find((candidate) => text.startsWith(candidate, at));
  if (prefix === undefined) return undefined;
  let end = endOfRun(text, at, PARTS);
  while (text.charAt(end) === "~" && isAt(text, end + 1, URL_SAFE)) end = endOfRun(text, end + 1, PARTS);
  while (text.charAt(end - 1) === ".") end -= 1;
  return end - at - prefix.length < PASETO_MIN ? undefined : { start: at, end };
}

/** Keys of other issuers whose prefix tells them apart. They are reported together, as `generic_api_key`. */
export const markedApiKey: Recognizer = tokens("generic_api_key", [
  { prefix: "AIza", kind: URL_SAFE, min: 35, exactly: 35 },
  { prefix: "sk-ant-", kind: URL_SAFE, min: 24 },
  { prefix: "sk-", kind: URL_SAFE, min: 32, isMixed: true },
  { prefix: "glpat-", kind: URL_SAFE, min: 20 },
  { prefix: "SG.", kind: PARTS, min: 50 },
  { prefix: "hf_", kind: ALNUM, min: 30 },
  { prefix: "gsk_", kind: ALNUM, min: 40 },
  { prefix: "xai-", kind: ALNUM, min: 60 },
  { prefix: "shpat_", kind: ALNUM, min: 32 },
  { prefix: "dop_v1_", kind: ALNUM, min: 64 },
  { prefix: "pypi-AgEI", kind: URL_SAFE, min: 50 },
  { prefix: "AGE-SECRET-KEY-1", kind: ALNUM, min: 50 },
]);
