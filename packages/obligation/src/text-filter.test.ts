import assert from "node:assert/strict";
import { test } from "node:test";
import type { PiiFilter } from "@postern/contracts";
import fc from "fast-check";
import { compileFilter } from "./compile-filter.ts";
import { startPass } from "./pass.ts";
import { CLASSES } from "./recognizers/built-in.ts";

function filterFor(rules: Partial<PiiFilter>) {
  const compiled = compileFilter([{ enabled: true, ...rules }]);
  assert.ok(compiled.ok, compiled.ok ? "" : compiled.problem);
  assert.ok(compiled.filter !== undefined);
  return compiled.filter;
}

function run(rules: Partial<PiiFilter>, text: string, name?: string) {
  const pass = startPass("request");
  const filtered = filterFor(rules).filterText(text, name, pass);
  return {
    text: filtered,
    isBlocked: pass.isBlocked,
    counts: pass.applied.map((one) => [one.class, one.action, one.count]),
  };
}

const CARD = "4111111111111111";

test("a finding becomes its marker, and the rest of the text stays", () => {
  assert.deepEqual(run({}, `pay ${CARD} to ada@example.com and c@d.co`), {
    text: "pay [REDACTED:credit_card] to [REDACTED:email] and [REDACTED:email]",
    isBlocked: false,
    counts: [
      ["credit_card", "redact", 1],
      ["email", "redact", 2],
    ],
  });
});

test("a text without findings stays the same string", () => {
  for (const text of ["", "plain", "naïve café 12", "[REDACTED:email]", "[REDACTED] x"]) {
    assert.deepEqual(run({}, text), { text, isBlocked: false, counts: [] });
  }
});

test("a class is looked for as the policy says", () => {
  const text = `${CARD} ada@example.com`;
  assert.equal(run({ patterns: ["email"] }, text).text, `${CARD} [REDACTED:email]`);
  assert.equal(
    run({ per_pattern_action: { email: "allow" } }, text).text,
    "[REDACTED:credit_card] ada@example.com",
  );
  assert.equal(
    run({ default_action: "allow", per_pattern_action: { email: "redact" } }, text).text,
    `${CARD} [REDACTED:email]`,
  );
  assert.equal(run({ per_pattern_action: { email: "block" } }, text).isBlocked, true);
  assert.equal(
    run({ default_action: "block", per_pattern_action: { credit_card: "redact", email: "redact" } }, text)
      .isBlocked,
    false,
  );
});

test("overlapping findings become one, named by the gravest, then the longest", () => {
  const key = "-----BEGIN PRIVATE KEY----- ada@example.com -----END PRIVATE KEY-----";
  assert.equal(run({}, `x ${key}`).text, "x [REDACTED:ssh_private_key]");
  assert.deepEqual(run({ per_pattern_action: { email: "block" } }, key).counts, [["email", "block", 1]]);
  const half = { custom_patterns: [{ class: "half", regex: "example.com and more" }] };
  assert.equal(run(half, "ada@example.com and more!").text, "[REDACTED:half]!");
});

test("a name makes its value a finding", () => {
  const secret = "abcd1234efgh5678";
  assert.equal(run({}, secret, "api_key").text, "[REDACTED:generic_api_key]");
  assert.equal(run({}, secret, "title").text, secret);
  assert.equal(run({ patterns: ["email"] }, secret, "api_key").text, secret);
});

test("a custom class is found in the text as it is and as it is read", () => {
  const rules = { patterns: ["email"], custom_patterns: [{ class: "employee", regex: "(?i)emp-[0-9]{6}" }] };
  assert.equal(
    run(rules, "EMP-123456, ＥＭＰ‐１２３４５６!").text,
    "[REDACTED:employee], [REDACTED:employee]!",
  );
  const zero = { patterns: ["email"], custom_patterns: [{ class: "invisible", regex: "\\x{200b}" }] };
  assert.equal(run(zero, "a\u200bb").text, "a[REDACTED:invisible]b");
  const empty = { patterns: ["email"], custom_patterns: [{ class: "empty", regex: "x*" }] };
  assert.equal(run(empty, "aaa").text, "aaa");
});

test("a custom class leaves long base64 in data and blob alone", () => {
  const rules = { patterns: ["email"], custom_patterns: [{ class: "word", regex: "AAAA" }] };
  const image = "A".repeat(400);
  assert.equal(run(rules, image, "data").text, image);
  assert.match(run(rules, image, "text").text, /REDACTED/);
});

test("an expression that eats every text ends in a single marker", () => {
  for (const regex of [".", ".+", "[A-Z]+", "^.", "\\W\\w", "(?s).*", "RED", "\\[|\\]"]) {
    const rules = { patterns: ["email"], custom_patterns: [{ class: "eater", regex }] };
    const once = run(rules, "(ABC) red [REDACTED:email] x@y.zz (def)");
    assert.deepEqual(run(rules, once.text), { text: once.text, isBlocked: false, counts: [] }, regex);
  }
});

test("an expression whose search for all matches is slow costs a bounded search and then whole texts", () => {
  const rules = { patterns: ["email"], custom_patterns: [{ class: "slow", regex: "x.*y|x" }] };
  assert.equal(run(rules, "x".repeat(300_000)).text, "[REDACTED:slow]");
  assert.equal(run(rules, "x-".repeat(500)).text, "[REDACTED:slow]-".repeat(500));
});

const samples: Readonly<Record<string, string>> = {
  email: "ada@example.com",
  phone_intl: "+31612345678",
  iban: "NL91ABNA0417164300",
  bsn: "111222333",
  credit_card: CARD,
  ssn_us: "536-90-4399",
  vat_eu: "DE136695976",
  ipv4: "10.1.2.3",
  ipv6: "2001:db8::1",
  aws_access_key: "AKIAIOSFODNN7EXAMPLE",
  aws_secret_key: "aws wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  github_pat: `ghp_${"a1B2".repeat(9)}`,
  jwt: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
  oauth_bearer: "Bearer mF_9.B5f-4.1JqM0000",
  ssh_private_key: "-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----",
  gcp_service_account_key: '{"type":"service_account","private_key":"b"}',
  slack_token: "xoxb-1234567890-abcdefghij",
  stripe_key: `sk_live_${"a1B2".repeat(6)}`,
  npm_token: `npm_${"a1B2".repeat(9)}`,
  postern_token: `k4.secret.${"aB3_".repeat(22)}`,
  generic_api_key: "api_key=abcd1234efgh5678",
};

test("there is a sample of every class", () => {
  assert.deepEqual(Object.keys(samples).sort(), [...CLASSES].sort());
});

const parts = fc.oneof(
  fc.constantFrom(...Object.values(samples)),
  fc.constantFrom(
    " ",
    ", ",
    "\n",
    ".",
    ":",
    "=",
    '"',
    "-",
    "@",
    "[REDACTED:email]",
    "[REDACTED",
    "]",
    "\u200b",
    "４",
    "é",
    "語",
    "token: ",
  ),
  fc.string({ maxLength: 8 }),
);

test("filtering twice changes nothing more", () => {
  const rules = { custom_patterns: [{ class: "custom", regex: "(?i)[a-f]{2}\\b|^.|token" }] };
  const filter = filterFor(rules);
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 12 }), (pieces) => {
      const once = filter.filterText(pieces.join(""), undefined, startPass("request"));
      const again = startPass("request");
      assert.equal(filter.filterText(once, undefined, again), once);
      assert.deepEqual(again.applied, []);
    }),
    { numRuns: 400 },
  );
});

test("what is redacted is not in the text any more, wherever it stood", () => {
  const filter = filterFor({});
  const around = fc.tuple(fc.string(), fc.constantFrom(...Object.entries(samples)), fc.string());
  fc.assert(
    fc.property(around, ([before, [name, sample], after]) => {
      const secret = /(\S+)$/.exec(sample)?.[1]?.replace(/^api_key=/, "") ?? sample;
      const filtered = filter.filterText(`${before} ${sample} ${after}`, undefined, startPass("response"));
      assert.ok(!filtered.includes(secret), `${name}: ${filtered}`);
    }),
    { numRuns: 400 },
  );
});

const problems: readonly [name: string, filter: Partial<PiiFilter>, problem: RegExp][] = [
  ["a misspelt class", { patterns: ["emial"] }, /"emial" is no class/],
  ["an action for a misspelt class", { per_pattern_action: { emial: "block" } }, /"emial" is no class/],
  ["a custom class with a built-in name", { custom_patterns: [{ class: "email", regex: "a" }] }, /built-in/],
  [
    "a custom class with a strange name",
    { custom_patterns: [{ class: "A b", regex: "a" }] },
    /is not a name/,
  ],
  ["an expression that is none", { custom_patterns: [{ class: "a", regex: "(" }] }, /regex of "a"/],
  ["look-ahead", { custom_patterns: [{ class: "a", regex: "(?=a)" }] }, /regex of "a"/],
  ["a back-reference", { custom_patterns: [{ class: "a", regex: "(a)\\1" }] }, /regex of "a"/],
  [
    "an expression that grows",
    { custom_patterns: [{ class: "a", regex: "(abcdefghij){400}" }] },
    /too large/,
  ],
];
for (const [name, filter, problem] of problems) {
  test(`${name} is a problem of the policy`, () => {
    const compiled = compileFilter([{ enabled: true, ...filter }]);
    assert.match(compiled.ok ? "" : compiled.problem, problem);
  });
}

test("of several filters, the gravest action per class holds", () => {
  const compiled = compileFilter([
    { enabled: true, patterns: ["email"], default_action: "block" },
    { enabled: true, patterns: ["email", "iban"], default_action: "redact" },
    { enabled: false, patterns: ["nothing"] },
  ]);
  assert.ok(compiled.ok && compiled.filter !== undefined);
  const pass = startPass("request");
  compiled.filter.filterText("ada@example.com NL91ABNA0417164300", undefined, pass);
  assert.deepEqual(pass.blocking, ["email"]);
  const nothing = compileFilter([{ enabled: true, default_action: "allow" }]);
  assert.ok(nothing.ok && nothing.filter === undefined);
});
