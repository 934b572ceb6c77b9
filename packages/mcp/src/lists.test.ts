import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, JsonValue } from "@postern/contracts";
import { filterLists, holdsList, type ListEntry, type ListRules } from "./lists.ts";

const list = (names: readonly string[], rest: JsonObject = {}) => ({
  jsonrpc: "2.0",
  id: 1,
  result: { tools: names.map((name) => ({ name, extra: [name] })), ...rest },
});
const onlyB: ListRules = { isVisible: ({ name }) => name === "b" };

async function filtered(message: JsonValue, rules: ListRules = onlyB): Promise<JsonValue> {
  const text = JSON.stringify(message);
  return JSON.parse(await filterLists(text, JSON.parse(text), rules));
}

test("hidden entries are removed; order, cursor, unknown members and an emptied page stay", async () => {
  const message = list(["a", "b", "c", "b"], { nextCursor: "n", _meta: { k: 1 }, other: true });
  assert.deepEqual(
    await filtered(message),
    list(["b", "b"], { nextCursor: "n", _meta: { k: 1 }, other: true }),
  );
  assert.deepEqual(await filtered(list(["a"], { nextCursor: "n" })), list([], { nextCursor: "n" }));
});

test("every kind of list is filtered, by what its entries are asked for by", async () => {
  for (const [kind, key] of Object.entries(NAMES)) {
    const page = (names: readonly string[]) => ({
      id: 1,
      result: { [kind]: names.map((name) => ({ [key]: name })) },
    });
    assert.deepEqual(await filtered(page(["a", "b"])), page(["b"]), kind);
  }
});
const NAMES: Readonly<Record<string, string>> = {
  tools: "name",
  resources: "uri",
  resourceTemplates: "uriTemplate",
  prompts: "name",
  tasks: "taskId",
};

test("two lists in one answer are both filtered", async () => {
  const both = { id: 1, result: { tools: [{ name: "a" }], prompts: [{ name: "a" }, { name: "b" }] } };
  assert.deepEqual(await filtered(both), { id: 1, result: { tools: [], prompts: [{ name: "b" }] } });
});

test("what is no list, or hides nothing, does not change", async () => {
  const messages: readonly JsonValue[] = [
    list(["b"]),
    { jsonrpc: "2.0", id: 1, result: { content: [], structuredContent: { tools: [{ name: "a" }] } } },
    { jsonrpc: "2.0", id: 1, result: { tools: { name: "a" } } },
    { jsonrpc: "2.0", id: 1, error: { code: 1, message: "tools" } },
    { jsonrpc: "2.0", method: "notifications/tools/list_changed" },
    "tools",
    null,
  ];
  for (const message of messages) assert.deepEqual(await filtered(message), message);
  assert.deepEqual(messages.map(holdsList), [true, false, false, false, false, false, false]);
});

test("an entry without a name is removed, and a name is matched exactly", async () => {
  const message = {
    result: { tools: [null, 1, {}, { name: 1 }, { name: "B" }, { name: "b " }, { name: "b" }] },
  };
  assert.deepEqual(await filtered(message), { result: { tools: [{ name: "b" }] } });
});

test("a cacheable list becomes private even when nothing is removed, and lives no longer than the capability", async () => {
  const hinted = (hints: JsonObject) => filtered(list(["b"], hints), { ...onlyB, ttlMsMax: 1_000 });
  assert.deepEqual(
    await hinted({ ttlMs: 10, cacheScope: "public" }),
    list(["b"], { ttlMs: 10, cacheScope: "private" }),
  );
  assert.deepEqual(
    await hinted({ ttlMs: 5_000, cacheScope: "private" }),
    list(["b"], { ttlMs: 1_000, cacheScope: "private" }),
  );
  assert.deepEqual(await hinted({ ttlMs: 10 }), list(["b"], { ttlMs: 10, cacheScope: "private" }));
  assert.deepEqual(
    await filtered(list(["b"], { ttlMs: 9 }), { ...onlyB, ttlMsMax: -5 }),
    list(["b"], { ttlMs: 0, cacheScope: "private" }),
  );
});

test("a filtered list keeps the digits of its numbers, however its keys are spelt", async () => {
  const text =
    '{"id":1,"result":{"\\u0074ools":[{"name":"a"},{"name":"b","max":9223372036854775807,"x":1.0}]}}';
  assert.equal(
    await filterLists(text, JSON.parse(text), onlyB),
    '{"id":1,"result":{"tools":[{"name":"b","max":9223372036854775807,"x":1.0}]}}',
  );
});

test("of a key that stands twice in a list the caller gets the one that was looked at; what is no list keeps its bytes", async () => {
  const twice = '{"id":1,"result":{"tools":[{"name":"b","description":"evil","description":"good"}]}}';
  assert.equal(
    await filterLists(twice, JSON.parse(twice), onlyB),
    '{"id":1,"result":{"tools":[{"name":"b","description":"good"}]}}',
  );
  const spaced = '{ "id": 1, "result": { "content": [] } }';
  assert.equal(await filterLists(spaced, JSON.parse(spaced), onlyB), spaced);
});

test("lists inside a batch are filtered, and the rest of it stays", async () => {
  assert.deepEqual(await filtered([{ id: 2, result: {} }, list(["a", "b"])]), [
    { id: 2, result: {} },
    list(["b"]),
  ]);
  assert.equal(holdsList([{ id: 2, result: {} }, list([])]), true);
});

test("whoever decides sees each entry whole, in order", async () => {
  const asked: ListEntry[] = [];
  const isVisible = async (entry: ListEntry) => {
    asked.push(entry);
    return true;
  };
  await filtered(list(["a", "b"]), { isVisible });
  assert.deepEqual(asked, [
    { kind: "tools", name: "a", value: { name: "a", extra: ["a"] } },
    { kind: "tools", name: "b", value: { name: "b", extra: ["b"] } },
  ]);
});
