import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonValue } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { encodeSseEvent } from "./sse.ts";
import { filterToolList, filterToolListBody, filterToolListStream, toolNamesOf } from "./tool-list.ts";

const list = (names: readonly string[], rest: object = {}) => ({
  jsonrpc: "2.0",
  id: 1,
  result: { tools: names.map((name) => ({ name, extra: [name] })), ...rest },
});
const onlyB = (name: string) => name === "b";
const rules = { visible: (names: readonly string[]) => new Set(names.filter(onlyB)) };

test("hidden tools are removed; order, cursor, unknown members and an emptied page stay", () => {
  const message = list(["a", "b", "c", "b"], { nextCursor: "n", _meta: { k: 1 }, other: true });
  assert.deepEqual(
    filterToolList(message, onlyB),
    list(["b", "b"], { nextCursor: "n", _meta: { k: 1 }, other: true }),
  );
  assert.deepEqual(filterToolList(list(["a"], { nextCursor: "n" }), onlyB), list([], { nextCursor: "n" }));
});

test("what is no list of tools, or hides nothing, comes back as the same object", () => {
  const messages: readonly JsonValue[] = [
    list(["b"]),
    { jsonrpc: "2.0", id: 1, result: { content: [], structuredContent: { tools: [{ name: "a" }] } } },
    { jsonrpc: "2.0", id: 1, result: { tools: { name: "a" } } },
    { jsonrpc: "2.0", id: 1, error: { code: 1, message: "tools" } },
    { jsonrpc: "2.0", method: "notifications/tools/list_changed" },
    { __proto__: null, tools: [] },
    "tools",
    null,
  ];
  for (const message of messages) assert.equal(filterToolList(message, onlyB), message);
});

test("an entry without a name is removed, and a name is matched exactly", () => {
  const message = {
    result: { tools: [null, 1, {}, { name: 1 }, { name: "B" }, { name: "b " }, { name: "b" }] },
  };
  assert.deepEqual(filterToolList(message, onlyB), { result: { tools: [{ name: "b" }] } });
  assert.deepEqual(toolNamesOf(message), ["B", "b ", "b"]);
});

test("a cacheable list becomes private even when nothing is removed, and lives no longer than the capability", () => {
  const hinted = (hints: object) => filterToolList(list(["b"], hints), onlyB, { ttlMsMax: 1_000 });
  assert.deepEqual(
    hinted({ ttlMs: 10, cacheScope: "public" }),
    list(["b"], { ttlMs: 10, cacheScope: "private" }),
  );
  assert.deepEqual(
    hinted({ ttlMs: 5_000, cacheScope: "private" }),
    list(["b"], { ttlMs: 1_000, cacheScope: "private" }),
  );
  assert.deepEqual(hinted({ ttlMs: 10 }), list(["b"], { ttlMs: 10, cacheScope: "private" }));
  assert.deepEqual(
    filterToolList(list(["b"], { ttlMs: 9 }), onlyB, { ttlMsMax: -5 }),
    list(["b"], { ttlMs: 0, cacheScope: "private" }),
  );
});

test("a body that hides nothing keeps its very bytes; a filtered one keeps the digits of its numbers", async () => {
  const spaced = Buffer.from(
    '{ "jsonrpc":"2.0","id":1, "result":{"tools":[ {"name":"b","max":9223372036854775807} ]} }',
  );
  assert.equal(await filterToolListBody(spaced, rules), spaced);
  const mixed = Buffer.from(
    '{"id":1,"result":{"tools":[{"name":"a"},{"name":"b","max":9223372036854775807,"x":1.0}]}}',
  );
  assert.equal(
    Buffer.from(await filterToolListBody(mixed, rules)).toString(),
    '{"id":1,"result":{"tools":[{"name":"b","max":9223372036854775807,"x":1.0}]}}',
  );
});

test("a list is recognised however its keys are spelt, and inside a batch", async () => {
  const escaped = Buffer.from('{"id":1,"result":{"\\u0074ools":[{"name":"a"}]}}');
  assert.equal(
    Buffer.from(await filterToolListBody(escaped, rules)).toString(),
    '{"id":1,"result":{"tools":[]}}',
  );
  const batch = Buffer.from(JSON.stringify([{ id: 2, result: {} }, list(["a", "b"])]));
  assert.deepEqual(JSON.parse(Buffer.from(await filterToolListBody(batch, rules)).toString()), [
    { id: 2, result: {} },
    list(["b"]),
  ]);
});

test("what may be a list and cannot be read does not pass", async () => {
  const isProtocolFault = (caught: unknown) => caught instanceof Fault && caught.code === "upstream.protocol";
  await assert.rejects(
    filterToolListBody(Buffer.from('{"result":{"tools":[{"name":"a"}],"x":NaN}}'), rules),
    isProtocolFault,
  );
});

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test("in a stream only the event with the list is rewritten; all other bytes pass as they came", async () => {
  const before =
    ': hi\r\nid: 0\r\ndata:\r\n\r\nevent: message\r\ndata: {"jsonrpc":"2.0","method":"x","params":{"tools":1}}\r\n\r\n';
  const listed = `id: 1\nretry: 5\n${encodeSseEvent({ data: JSON.stringify(list(["a", "b"])) })}`;
  const after = 'data: {"id":2,"result":{"content":[]}}\n\n:\n';
  const expected = `${before}id: 1\nretry: 5\ndata: ${JSON.stringify(list(["b"]))}\n\n${after}`;
  for (const size of [1, 7, 64, 10_000]) {
    const stream = filterToolListStream(inPieces(Buffer.from(before + listed + after), size), {
      ...rules,
      eventBytesMax: 10_000,
    });
    const out: Uint8Array[] = [];
    for await (const piece of stream) out.push(piece);
    assert.equal(Buffer.concat(out).toString(), expected, `pieces of ${size}`);
  }
});

test("the judge of a list is asked once per list, with every name", async () => {
  const asked: (readonly string[])[] = [];
  const visible = async (names: readonly string[]) => {
    asked.push(names);
    return new Set(["b"]);
  };
  await filterToolListBody(Buffer.from(JSON.stringify(list(["a", "b", "a"]))), { visible });
  await filterToolListBody(Buffer.from('{"id":1,"result":{"content":[{"type":"text","text":"tools"}]}}'), {
    visible,
  });
  assert.deepEqual(asked, [["a", "b"]]);
});
