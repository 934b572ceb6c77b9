// The table of reasons is kept honest from both sides: each reason is asserted by a test, and each error code stays in
// the range that the protocol leaves to implementations.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ERROR_CODE, REASONS } from "@postern/contracts";
import { isProduct, read, sources } from "./sources.ts";

test("every reason is asserted by some test", () => {
  const tests = sources.filter(
    (source) => !isProduct(source) && !source.path.startsWith("test/architecture/"),
  );
  const missing = Object.keys(REASONS).filter(
    (code) => !tests.some(({ text }) => text.includes(`"${code}"`)),
  );
  assert.deepEqual(missing, []);
});

test("error codes are distinct and keep out of the protocol's reserved range", () => {
  const codes = Object.values(ERROR_CODE);
  assert.equal(new Set(codes).size, codes.length);
  assert.ok(codes.every((code) => code <= -32010 && code >= -32019));
});

test("the page of reasons lists every code", () => {
  const page = read("docs/reasons.md");
  for (const code of [...Object.keys(REASONS), ...Object.values(ERROR_CODE)])
    assert.ok(page.includes(String(code)));
});
