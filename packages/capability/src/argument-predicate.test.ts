import assert from "node:assert/strict";
import { test } from "node:test";
import type { ArgumentPredicate, JsonObject } from "@postern/contracts";
import { conditionOf, isPointer } from "./argument-predicate.ts";

const args: JsonObject = {
  amount: 100,
  currency: "EUR",
  urgent: false,
  note: null,
  to: { "a/b": 1, "m~n": 2, "": 3, list: ["x", { deep: true }] },
  "10": "ten",
};

const rows: readonly [predicate: ArgumentPredicate, holds: boolean][] = [
  [{ op: "eq", path: "/amount", value: 100 }, true],
  [{ op: "eq", path: "/amount", value: "100" }, false],
  [{ op: "eq", path: "/note", value: null }, true],
  [{ op: "eq", path: "/missing", value: null }, false],
  [{ op: "eq", path: "/to", value: "[object Object]" }, false],
  [{ op: "ne", path: "/currency", value: "USD" }, true],
  [{ op: "ne", path: "/currency", value: "EUR" }, false],
  [{ op: "ne", path: "/missing", value: "EUR" }, false],
  [{ op: "lt", path: "/amount", value: 100 }, false],
  [{ op: "lt", path: "/amount", value: 100.5 }, true],
  [{ op: "lte", path: "/amount", value: 100 }, true],
  [{ op: "gt", path: "/amount", value: 99 }, true],
  [{ op: "gt", path: "/amount", value: 100 }, false],
  [{ op: "gte", path: "/amount", value: 100 }, true],
  [{ op: "gte", path: "/10", value: 0 }, false],
  [{ op: "lt", path: "/currency", value: 5 }, false],
  [{ op: "lte", path: "/note", value: 5 }, false],
  [{ op: "lt", path: "/urgent", value: 5 }, false],
  [{ op: "in", path: "/currency", values: ["USD", "EUR"] }, true],
  [{ op: "in", path: "/currency", values: [] }, false],
  [{ op: "in", path: "/missing", values: [null] }, false],
  [{ op: "glob", path: "/currency", value: "E*" }, true],
  [{ op: "glob", path: "/amount", value: "*" }, false],
  [{ op: "eq", path: "/to/a~1b", value: 1 }, true],
  [{ op: "eq", path: "/to/m~0n", value: 2 }, true],
  [{ op: "eq", path: "/to/", value: 3 }, true],
  [{ op: "eq", path: "/to/list/0", value: "x" }, true],
  [{ op: "eq", path: "/to/list/1/deep", value: true }, true],
  [{ op: "eq", path: "/to/list/00", value: "x" }, false],
  [{ op: "eq", path: "/to/list/-", value: "x" }, false],
  [{ op: "eq", path: "/to/list/2", value: "x" }, false],
  [{ op: "eq", path: "/to/list/length", value: 2 }, false],
  [{ op: "ne", path: "/__proto__", value: 1 }, false],
  [{ op: "ne", path: "/constructor", value: 1 }, false],
  [{ op: "ne", path: "/currency/length", value: 1 }, false],
  [{ op: "eq", path: "/amount/", value: 100 }, false],
  [{ op: "eq", path: "amount", value: 100 }, false],
  [{ op: "ne", path: "/to/~2", value: 100 }, false],
];
for (const [predicate, holds] of rows) {
  test(`${JSON.stringify(predicate)} ${holds ? "holds" : "does not hold"}`, () => {
    assert.equal(conditionOf(predicate)(args), holds);
  });
}

test("an operator of a later version holds for nothing", () => {
  assert.equal(conditionOf(JSON.parse('{"op":"regex","path":"/currency","value":".*"}'))(args), false);
});

test("only RFC 6901 pointers are pointers", () => {
  for (const text of ["", "/", "/a", "/a//b", "/~0~1", "/é\n"]) assert.equal(isPointer(text), true, text);
  for (const text of ["a", "a/b", "/~", "/~2", "#/a", "/a~"]) assert.equal(isPointer(text), false, text);
});
