import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { anyOf, matchGlob } from "./glob.ts";

const rows: readonly [glob: string, text: string, matches: boolean][] = [
  ["read", "read", true],
  ["read", "Read", false],
  ["read", "read ", false],
  ["read", "reader", false],
  ["read_*", "read_", true],
  ["read_*", "read_invoice", true],
  ["*", "", true],
  ["", "", true],
  ["", "a", false],
  ["?", "", false],
  ["?", "a", true],
  ["?", "😀", true],
  ["??", "😀", false],
  ["*?", "😀", true],
  ["a*b*c", "a-b-b-c", true],
  ["a*b*c", "a-c-b", false],
  ["**a", "ba", true],
  ["[ab]", "a", false],
  ["[ab]", "[ab]", true],
  ["a.c", "abc", false],
  ["\\*", "*", false],
  ["caf\u00e9", "cafe\u0301", false],
  ["delete", "dele\u200bte", false],
  ["a*", "a\nb", true],
];
for (const [glob, text, matches] of rows) {
  test(`"${glob}" ${matches ? "matches" : "does not match"} ${JSON.stringify(text)}`, () => {
    assert.equal(matchGlob(glob, text), matches);
  });
}

test("a glob matches what the regular expression of the same meaning matches", () => {
  const text = fc
    .array(fc.constantFrom("a", "b", "😀", "é", ".", "*"), { maxLength: 8 })
    .map((all) => all.join(""));
  const glob = fc
    .array(fc.constantFrom("a", "b", "😀", ".", "*", "?"), { maxLength: 8 })
    .map((all) => all.join(""));
  fc.assert(
    fc.property(glob, text, (pattern, subject) => {
      const source = pattern.replaceAll(".", "\\.").replaceAll("*", "[^]*").replaceAll("?", "[^]");
      assert.equal(matchGlob(pattern, subject), new RegExp(`^${source}$`, "u").test(subject));
    }),
    { numRuns: 2000 },
  );
});

test("a list of globs matches what any one of them matches", () => {
  const part = fc.constantFrom("a", "b", "ab", "😀", "\ud83d", "\ude00", "*", "?", "**", "");
  const text = fc.array(part, { maxLength: 4 }).map((all) => all.join(""));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 5 }), fc.array(text, { minLength: 1 }), (globs, texts) => {
      const covers = anyOf(globs);
      for (const each of [...texts, ...globs])
        assert.equal(
          covers(each),
          globs.some((glob) => matchGlob(glob, each)),
        );
    }),
    { numRuns: 2000 },
  );
});

test("the worst glob of full length needs few steps", () => {
  const started = process.cpuUsage();
  assert.equal(matchGlob(`${"*a".repeat(127)}*b`, "a".repeat(1024)), false);
  assert.ok(process.cpuUsage(started).user < 1_000_000);
});

test("a glob and a text that were made for each other's worst case are soon no match, and an honest long text is", () => {
  const worst = `*${"a".repeat(1_000)}b`;
  const text = "a".repeat(4_000_000);
  assert.equal(matchGlob(worst, text), false);
  assert.equal(matchGlob(worst, `${text}b`), false);
  assert.equal(matchGlob("*end", `${text}end`), true);
  assert.equal(matchGlob("a*z", `${text}z`), true);
});

test("no name is too long for any glob", () => {
  const name = "a".repeat(256);
  assert.equal(matchGlob(`*${"a".repeat(127)}*${"a".repeat(127)}`, name), true);
  assert.equal(matchGlob(`*${"a".repeat(200)}b*`, name), false);
});
