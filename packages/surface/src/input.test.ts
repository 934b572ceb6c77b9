import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { parsePart } from "./input.ts";

test("what is wrong with a value is said in plain words", async () => {
  const Everything = z.strictObject({
    name: z.string().min(1).max(3),
    list: z.array(z.string()).min(1).max(2).optional(),
    pair: z.array(z.string()).min(2).optional(),
    size: z.int().min(2).max(9).optional(),
    word: z.enum(["a", "b"]).optional(),
    on: z.boolean().optional(),
    at: z.iso.datetime().optional(),
    kind: z.discriminatedUnion("type", [z.strictObject({ type: z.literal("x") })]).optional(),
    either: z.union([z.string(), z.number()]).optional(),
    own: z.string().regex(/^x$/, "must be x").optional(),
  });
  const cases: [object | undefined, string][] = [
    [undefined, "body: is required"],
    [{}, "body.name: is required"],
    [{ name: "" }, "body.name: must not be empty"],
    [{ name: null }, "body.name: must be text"],
    [{ name: "long" }, "body.name: must have at most 3 characters"],
    [{ name: "a", list: [] }, "body.list: must not be empty"],
    [{ name: "a", pair: ["a"] }, "body.pair: must have at least 2 items"],
    [{ name: "a", size: 1 }, "body.size: must be at least 2"],
    [{ name: "a", size: 10 }, "body.size: must be at most 9"],
    [{ name: "a", size: 2.5 }, "body.size: must be a whole number"],
    [{ name: "a", word: "c" }, 'body.word: must be "a" or "b"'],
    [{ name: "a", on: 1 }, "body.on: must be true or false"],
    [{ name: "a", at: "noon" }, "body.at: must be an instant such as 2026-01-31T12:00:00Z"],
    [{ name: "a", kind: { type: "y" } }, "body.kind.type: is not a known kind"],
    [{ name: "a", either: true }, "body.either: has none of the allowed forms"],
    [{ name: "a", own: "y" }, "body.own: must be x"],
  ];
  for (const [value, message] of cases)
    assert.throws(() => parsePart("body", Everything, value), { code: "request.body", message });
});

test("text that no store can keep is refused with its path, in values and in names", () => {
  const AnyJson = z.json();
  const cases: [unknown, RegExp][] = [
    ["a\0b", /^body: must be well-formed Unicode without NUL characters$/],
    [{ text: "\ud800" }, /^body\.text: /],
    [{ tags: ["ok", "\udc00x"] }, /^body\.tags\[1\]: /],
    [{ extra: { a: [{ b: "\0" }] } }, /^body\.extra\.a\[0\]\.b: /],
    [{ "k\0": 1 }, /^body\["k\\u0000"\]: /],
  ];
  for (const [value, message] of cases) {
    assert.throws(() => parsePart("body", AnyJson, value), {
      kind: "invalid",
      code: "request.body",
      message,
    });
    assert.deepEqual(parsePart("body", AnyJson, value, { anyText: true }), value);
  }
  assert.deepEqual(parsePart("body", AnyJson, ["\u{1f600}", null, 1]), ["\u{1f600}", null, 1]);
});
