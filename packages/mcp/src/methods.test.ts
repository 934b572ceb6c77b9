import assert from "node:assert/strict";
import { test } from "node:test";
import { findMethod, METHOD_KINDS, METHOD_NAMES } from "./methods.ts";

test("every method of both eras has a row: what lists is filtered, what asks for something is judged", () => {
  assert.equal(new Set(METHOD_NAMES).size, METHOD_NAMES.length);
  const byRule = (rule: string) => METHOD_NAMES.filter((name) => findMethod(name)?.rule === rule);
  assert.deepEqual(
    byRule("filter"),
    METHOD_NAMES.filter((name) => name.endsWith("/list")),
  );
  assert.deepEqual(byRule("pass").sort(), [
    "initialize",
    "notifications/cancelled",
    "notifications/initialized",
    "notifications/progress",
    "notifications/roots/list_changed",
    "notifications/tasks/status",
    "ping",
    "server/discover",
  ]);
  for (const name of METHOD_NAMES) {
    const method = findMethod(name);
    assert.ok(method !== undefined && METHOD_KINDS.includes(method.kind));
    assert.ok(method.modern || method.legacy, name);
  }
});

test("what is not a method of a client is unknown, names of inherited members included", () => {
  const unknown = [
    "",
    "tools/Call",
    "tools/call ",
    "tools/call\0",
    "sampling/createMessage",
    "elicitation/create",
    "roots/list",
    "constructor",
    "__proto__",
    "toString",
    "x/y",
  ];
  for (const name of unknown) assert.equal(findMethod(name), undefined, name);
});

test("a method of the other era is unknown, and one of both eras is not", () => {
  for (const [name, modern, legacy] of [
    ["tools/call", true, true],
    ["tasks/result", false, true],
    ["ping", false, true],
    ["server/discover", true, false],
    ["no/such", false, false],
  ] as const) {
    assert.equal(findMethod(name, "modern") !== undefined, modern, name);
    assert.equal(findMethod(name, "legacy") !== undefined, legacy, name);
  }
});
