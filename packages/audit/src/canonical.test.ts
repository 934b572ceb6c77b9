import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { JsonValue } from "@postern/contracts";
import { vectors } from "@postern/testkit";
import fc from "fast-check";
import { canonicalize } from "./canonical.ts";

const folder = vectors("jcs");

test("the official JCS vectors come out byte for byte", (t) => {
  if (folder === undefined) return t.skip("official vectors not found: jcs");
  const testdata = join(folder, "testdata");
  const names = readdirSync(join(testdata, "input"));
  assert.ok(names.length >= 6);
  for (const name of names) {
    const text = canonicalize(JSON.parse(readFileSync(join(testdata, "input", name), "utf8")) as JsonValue);
    const hex = readFileSync(join(testdata, "outhex", name.replace(".json", ".txt")), "utf8").replace(
      /\s/g,
      "",
    );
    assert.equal(text, readFileSync(join(testdata, "output", name), "utf8"), name);
    assert.equal(Buffer.from(text).toString("hex"), hex, name);
  }
});

test("numbers print as RFC 8785 appendix B says", () => {
  const samples: [bits: string, text: string][] = [
    ["0000000000000000", "0"],
    ["8000000000000000", "0"],
    ["0000000000000001", "5e-324"],
    ["7fefffffffffffff", "1.7976931348623157e+308"],
    ["4340000000000000", "9007199254740992"],
    ["4430000000000000", "295147905179352830000"],
    ["44b52d02c7e14af5", "9.999999999999997e+22"],
    ["444b1ae4d6e2ef4f", "999999999999999900000"],
    ["444b1ae4d6e2ef50", "1e+21"],
    ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
    ["3eb0c6f7a0b5ed8d", "0.000001"],
    ["41b3de4355555553", "333333333.3333332"],
    ["becbf647612f3696", "-0.0000033333333333333333"],
  ];
  for (const [bits, text] of samples) {
    assert.equal(canonicalize(Buffer.from(bits, "hex").readDoubleBE()), text);
  }
});

test("what has no canonical form is refused", () => {
  const deep = JSON.parse(`${"[".repeat(5000)}${"]".repeat(5000)}`);
  const values: unknown[] = [
    "\ud800",
    { "\udc00": 1 },
    ["a\ud800b"],
    Number.NaN,
    Number.POSITIVE_INFINITY,
    undefined,
    { a: undefined },
    Array(2),
    1n,
    () => 1,
    Symbol("s"),
    new Date(0),
    new Map(),
    deep,
  ];
  for (const value of values) {
    assert.throws(() => canonicalize(value as JsonValue), { code: "audit.not_canonical" });
  }
});

test("a key named __proto__ is a key like any other", () => {
  assert.equal(canonicalize(JSON.parse('{"b":1,"__proto__":{"a":2}}')), '{"__proto__":{"a":2},"b":1}');
});

test("canonical text reads back as the same value and is its own canonical form", () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      const wellFormed = JSON.parse(JSON.stringify(value).toWellFormed()) as JsonValue;
      if (/\\ud[89a-f]/.test(JSON.stringify(wellFormed))) return;
      const text = canonicalize(wellFormed);
      assert.deepEqual(JSON.parse(text), wellFormed);
      assert.equal(canonicalize(JSON.parse(text) as JsonValue), text);
    }),
  );
});

test("the order of keys never shows", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: "binary" }), fc.integer()), (value) => {
      const reversed = Object.fromEntries(Object.entries(value).reverse());
      assert.equal(canonicalize(reversed), canonicalize(value));
    }),
  );
});

/** The rule of RFC 8785 in its shortest form, for values that JSON can hold. */
function plainly(value: JsonValue): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(plainly).join()}]`;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${plainly(member)}`).join()}}`;
}

test("objects of any width, and names of any kind, come out as the rule says", () => {
  const name = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.integer().map(String),
    fc.constantFrom(
      "__proto__",
      "toJSON",
      "constructor",
      "",
      "\u20ac",
      "\r",
      "\ufb33",
      "\u{1f600}",
      "\x80",
      "1",
      "10",
      "9",
    ),
  );
  const names = fc.oneof(fc.array(name), fc.array(name, { minLength: 20, maxLength: 60, size: "max" }));
  fc.assert(
    fc.property(names, fc.jsonValue(), (keys, member) => {
      const value = Object.fromEntries(
        keys.map((key, at) => [key, at % 3 === 0 ? at : [member]]),
      ) as JsonValue;
      if (!JSON.stringify(value).isWellFormed() || /\\ud[89a-f]/.test(JSON.stringify(value))) return;
      assert.equal(canonicalize(value), plainly(value));
    }),
  );
});

test("more names than are remembered, and longer ones, are quoted alike", () => {
  for (let at = 0; at < 3_000; at += 1) {
    const name = `${at % 7 === 0 ? "\n".repeat(70) : '"'}${at}`;
    assert.equal(canonicalize({ [name]: 1 }), JSON.stringify({ [name]: 1 }));
  }
});
