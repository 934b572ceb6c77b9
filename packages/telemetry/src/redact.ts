// What must never stand in a log is taken out twice. A field that is named like a secret loses its value, at any depth; and whatever has a
// secret's own form is cut out of the finished line, wherever it came from: a message, an error's text, an address. The first rule knows
// names and not forms, the second forms and not names, so that neither has to be complete.

/** Field names whose values never reach a log. Case, "_" and "-" make no difference, and any name that ends in one of them counts too. */
export const REDACTED_FIELDS = [
  "authorization",
  "bearer",
  "credential",
  "credentials",
  "token",
  "tokens",
  "secret",
  "secrets",
  "password",
  "passphrase",
  "cookie",
  "api_key",
  "private_key",
  "attenuation_key",
  "args",
  "arguments",
  "arg_values",
  "params",
  "prompt",
  "intent_prompt",
  "headers",
  "body",
] as const;

const NAMES = REDACTED_FIELDS.map(plain);
const CENSORED = "[redacted]";
const CHARACTERS_MAX = 4_096;
const DEPTH_MAX = 6;
const ITEMS_MAX = 64;

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, "");
}

const isSecretName = (name: string): boolean => {
  const own = plain(name);
  return NAMES.some((secret) => own.endsWith(secret));
};

/** A bounded copy of `fields` in which no secret's name has a value. Errors lose stack and cause. */
export function redactFields(fields: object, depth = 0): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields)
      .slice(0, ITEMS_MAX)
      .map(([name, value]) => [name, isSecretName(name) ? CENSORED : redactValue(value, depth + 1)]),
  );
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === "string") return bounded(value);
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return typeof value === "function" ? undefined : value;
  if (value instanceof Error) return { name: value.name, message: bounded(value.message) };
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth > DEPTH_MAX) return "[…]";
  if ("toJSON" in value && typeof value.toJSON === "function") return redactValue(value.toJSON(), depth + 1);
  if (value instanceof Map) return redactFields(Object.fromEntries(value), depth);
  const items = value instanceof Set ? [...value] : value;
  if (Array.isArray(items)) return items.slice(0, ITEMS_MAX).map((item) => redactValue(item, depth + 1));
  return redactFields(value, depth);
}

const bounded = (text: string) =>
  text.length <= CHARACTERS_MAX ? text : `${text.slice(0, CHARACTERS_MAX).toWellFormed()}…`;

/** Forms that secrets have by themselves. None of them matches a quotation mark or a backslash, so that a line stays JSON. */
const FORMS: readonly (readonly [form: RegExp, shown: string])[] = [
  // Capability tokens and keys of Postern: PASETO v4, and the PASERK types that hold a secret.
  [/\bv4\.(public|local)\.[\w.~-]{8,}/g, `v4.$1.${CENSORED}`],
  [/\bk4\.(secret|local|secret-wrap|local-wrap|secret-pw|local-pw|seal)\.[\w.-]{8,}/g, `k4.$1.${CENSORED}`],
  [/\b(postern-sidecar\.[\w-]+\.[\w-]+\.)[\w-]{8,}/g, `$1${CENSORED}`],
  // JSON Web Tokens, and what stands in an Authorization header.
  [/(?<![\w-])eyJ[\w-]{4,}\.[\w-]{4,}(\.[\w-]*)*/g, CENSORED],
  [/\b(bearer|basic|dpop)((?:\s|%20|\\t)+)[\w.~+/=-]{8,}/gi, `$1$2${CENSORED}`],
  // Addresses: user and password, and the values of a query, which are what keys are often put into.
  [/(:\/\/)[^\s"\\/@?#]+@/g, `$1${CENSORED}@`],
  [/([?&](?:[\w-]*(?:token|secret|password|key|signature|sig|code|auth))=)[^\s"\\&#]+/gi, `$1${CENSORED}`],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[\w+/=\s-]|\\[nr])*/g, CENSORED],
  // What the largest issuers mark their keys with.
  [/\b(gh[pousr]_|github_pat_|glpat-|xox[a-z]-|sk_live_|rk_live_|sk-|npm_)[\w-]{16,}/g, `$1${CENSORED}`],
  [/\b(AKIA|ASIA)[0-9A-Z]{16}\b/g, `$1${CENSORED}`],
];

/** A finished log line without anything that has a secret's form. */
export function redactLine(line: string): string {
  return FORMS.reduce((text, [form, shown]) => text.replace(form, shown), line);
}
