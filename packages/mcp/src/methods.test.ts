import assert from "node:assert/strict";
import { test } from "node:test";
import { findMethod, METHOD_KINDS, METHOD_NAMES } from "./methods.ts";

test("every method of both eras has a row, and only calls are judged and only tool lists filtered", () => {
  assert.equal(new Set(METHOD_NAMES).size, METHOD_NAMES.length);
  const byRule = (rule: string) => METHOD_NAMES.filter((name) => findMethod(name)?.rule === rule);
  assert.deepEqual(byRule("judge"), ["tools/call"]);
  assert.deepEqual(byRule("filter"), ["tools/list"]);
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
