import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import type { JsonValue } from "@postern/contracts";
import fc from "fast-check";
import { compileFilter } from "./compile-filter.ts";
import { DEPTH_MAX, filterValue } from "./filter-value.ts";
import { startPass } from "./pass.ts";

const compiled = compileFilter([{ enabled: true }]);
assert.ok(compiled.ok && compiled.filter !== undefined);
const { filter } = compiled;
const filtered = (value: JsonValue) => filterValue(value, filter, startPass("request"));

const CARD = 4111111111111111;
const MAIL = "ada@example.com";

const rows: readonly [name: string, value: JsonValue, want: JsonValue][] = [
  ["a text in a list in an object", { a: [1, { b: [MAIL] }] }, { a: [1, { b: ["[REDACTED:email]"] }] }],
  ["a payment card that is a number", { n: CARD }, { n: "[REDACTED:credit_card]" }],
  [
    "a number that is none",
    [1.5, -3, 1e300, 1700000000000, 111222333],
    [1.5, -3, 1e300, 1700000000000, 111222333],
  ],
  [
    "a number by its name",
    { bsn: 111222333, ssn: 536904399 },
    { bsn: "[REDACTED:bsn]", ssn: "[REDACTED:ssn_us]" },
  ],
  ["a text by its name", { password: "hunter2hunter2" }, { password: "[REDACTED:generic_api_key]" }],
  ["a name", { [MAIL]: 1 }, { "[REDACTED:email]": 1 }],
  [
    "names that become the same",
    { [MAIL]: 1, "c@d.co": 2, "[REDACTED:email]": 3, "e@f.gh": 4 },
    { "[REDACTED:email]": 1, "[REDACTED:email]#2": 2, "[REDACTED:email]#3": 3, "[REDACTED:email]#4": 4 },
  ],
  [
    "a blob of text",
    { blob: Buffer.from(`to ${MAIL}`).toString("base64"), mimeType: "text/plain" },
    { blob: Buffer.from("to [REDACTED:email]").toString("base64"), mimeType: "text/plain" },
  ],
  [
    "JSON in a text",
    JSON.stringify({ card: CARD, mail: MAIL }),
    '{"card":[REDACTED:credit_card],"mail":"[REDACTED:email]"}',
  ],
];
for (const [name, value, want] of rows) {
  test(`${name} is filtered`, () => {
    assert.deepEqual(filtered(value), want);
    assert.deepEqual(filtered(filtered(value)), want);
  });
}

test("a value without findings stays the same object, and what is not changed is not copied", () => {
  const clean = { a: [{ b: "x" }], c: 1, d: null, e: true };
  assert.equal(filtered(clean), clean);
  const kept = { b: "x" };
  const changed = filtered({ kept, mail: MAIL });
  assert.equal(typeof changed === "object" && changed !== null && "kept" in changed && changed.kept, kept);
});

test("a property named __proto__ stays a property and changes nobody's prototype", () => {
  const changed = filtered(JSON.parse(`{"__proto__": {"mail": "${MAIL}"}, "constructor": "${MAIL}"}`));
  assert.equal(
    JSON.stringify(changed),
    '{"__proto__":{"mail":"[REDACTED:email]"},"constructor":"[REDACTED:email]"}',
  );
  assert.equal(Object.getPrototypeOf(changed), Object.prototype);
});

test("what is nested too deeply is blocked, not skipped", () => {
  const nest = (depth: number) => JSON.parse(`${"[".repeat(depth)}1${"]".repeat(depth)}`) as JsonValue;
  for (const [depth, isBlocked] of [
    [DEPTH_MAX, false],
    [DEPTH_MAX + 1, true],
    [100_000, true],
  ] as const) {
    const pass = startPass("request");
    filterValue(nest(depth), filter, pass);
    assert.equal(pass.isBlocked, isBlocked, String(depth));
  }
});

test("a long list is walked to its end", () => {
  const list = [...Array.from({ length: 50_000 }, () => "x"), MAIL];
  const result = filtered(list);
  assert.ok(Array.isArray(result) && result.at(-1) === "[REDACTED:email]" && result.length === list.length);
});

test("filtering any JSON twice changes nothing more, and leaves no address anywhere", () => {
  const leaf = fc.oneof(fc.string(), fc.constantFrom(MAIL, ` ${MAIL},`, CARD, "+31612345678"), fc.integer());
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie("value")),
      fc.dictionary(fc.oneof(fc.string(), fc.constant(MAIL)), tie("value")),
    ),
  }));
  fc.assert(
    fc.property(value, (any) => {
      const once = filtered(any as JsonValue);
      assert.equal(filtered(once), once);
      assert.ok(!JSON.stringify(once).includes(MAIL));
    }),
  );
});
