import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@postern/fault";
import { answers, type Script, scriptedServer } from "@postern/testkit";
import { createAgentClient } from "./index.ts";

async function call(t: Parameters<typeof scriptedServer>[0], script: Script) {
  const { url } = await scriptedServer(t, script);
  return createAgentClient({ url: `${url}/v1/tool-call`, token: "v4.public.x" }).toolCall("echo", { a: 1 });
}
const rpc = (fields: object) => ({ jsonrpc: "2.0", id: "r1", ...fields });

test("a call travels as JSON-RPC with token, request id and declared intent", async (t) => {
  const server = await scriptedServer(t, answers(200, rpc({ result: { content: [] } })));
  const client = createAgentClient({ url: `${server.url}/v1/tool-call`, token: "v4.public.x" });
  const options = { intentPrompt: "zahle die Rechnung\nfür Zoë 😀", requestId: "r1" };
  assert.deepEqual(await client.toolCall("echo", { a: [1] }, options), { ok: true, result: { content: [] } });
  const [seen] = server.seen;
  assert.equal(seen?.url, "/v1/tool-call");
  assert.equal(seen?.headers.authorization, "Bearer v4.public.x");
  assert.equal(seen?.headers["x-request-id"], "r1");
  const prompt = /^=\?base64\?(.*)\?=$/.exec(String(seen?.headers["x-intent-prompt"]))?.[1] ?? "";
  assert.equal(Buffer.from(prompt, "base64").toString(), options.intentPrompt);
  assert.deepEqual(JSON.parse(seen?.body ?? ""), {
    jsonrpc: "2.0",
    id: "r1",
    method: "tools/call",
    params: { name: "echo", arguments: { a: [1] } },
  });
});

test("a plain prompt travels as it is, and an id that no header can carry is refused", async (t) => {
  const server = await scriptedServer(t, answers(200, rpc({ result: {} })));
  const client = createAgentClient({ url: server.url, token: "t" });
  await client.toolCall("echo", {}, { intentPrompt: "pay the invoice" });
  assert.equal(server.seen[0]?.headers["x-intent-prompt"], "pay the invoice");
  for (const requestId of ["", "a b", "a\r\nx: y", "x".repeat(129)])
    await assert.rejects(client.toolCall("echo", {}, { requestId }), { code: "client.request_id" });
});

test("a denial says which check refused and why", async (t) => {
  const data = {
    check: "capability",
    reason: "capability.tool",
    detail: "Not this tool.",
    reasons: [{ code: "capability.tool", detail: "Not this tool." }],
    request_id: "r1",
    event_id: "e1",
    later: "field",
  };
  const answer = await call(
    t,
    answers(200, rpc({ error: { code: -32010, message: "capability check failed", data } })),
  );
  assert.ok(!answer.ok);
  assert.deepEqual(answer.denial, {
    check: "capability",
    code: -32010,
    reason: "capability.tool",
    detail: "Not this tool.",
    reasons: [{ code: "capability.tool", detail: "Not this tool." }],
    requestId: "r1",
    eventId: "e1",
    pendingId: undefined,
  });
});

test("a denial whose reasons have another shape is still a denial", async (t) => {
  const data = { check: "policy", reason: "policy.denied", reasons: ["policy.denied"] };
  const answer = await call(t, answers(200, rpc({ error: { code: -32012, message: "Not you.", data } })));
  assert.ok(!answer.ok);
  assert.deepEqual(
    [answer.denial?.check, answer.denial?.detail, answer.denial?.reasons],
    ["policy", "Not you.", []],
  );
});

const foreign: { name: string; error: object }[] = [
  {
    name: "a tool server's own code",
    error: { code: -32602, message: "bad arguments", data: { check: "x", reason: "y" } },
  },
  { name: "our code without our data", error: { code: -32010, message: "odd", data: "text" } },
  { name: "no data", error: { code: -32603, message: "boom" } },
];
for (const { name, error } of foreign)
  test(`an error with ${name} is an error, not a denial`, async (t) => {
    const answer = await call(t, answers(200, rpc({ error })));
    assert.ok(!answer.ok);
    assert.equal(answer.denial, undefined);
    assert.deepEqual(answer.error, error);
  });

test("a malformed call's JSON-RPC error is read from HTTP 400 too", async (t) => {
  const answer = await call(
    t,
    answers(400, { jsonrpc: "2.0", id: null, error: { code: -32700, message: "no" } }),
  );
  assert.ok(!answer.ok && answer.error.code === -32700);
});

test("the reply is found among the messages of an event stream", async (t) => {
  const { url } = await scriptedServer(t, (request, response) => {
    const { id } = JSON.parse(request.body);
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write('data: {"jsonrpc":"2.0","method":"notifications/progress","params":{}}\n\n');
    response.write('data: {"jsonrpc":"2.0","id":"other","result":{}}\n\n');
    response.end(`data: ${JSON.stringify({ jsonrpc: "2.0", id, result: { n: 7 } })}\n\n`);
  });
  const client = createAgentClient({ url: `${url}/v1/mcp`, token: "t" });
  assert.deepEqual(await client.toolCall("echo"), { ok: true, result: { n: 7 } });
});

const faults: { name: string; script: Script; kind: string; code: string }[] = [
  {
    name: "neither result nor error",
    script: answers(200, rpc({})),
    kind: "upstream",
    code: "client.malformed",
  },
  {
    name: "another protocol",
    script: answers(200, "<html>", "text/html"),
    kind: "upstream",
    code: "client.malformed",
  },
  { name: "broken JSON", script: answers(200, "{"), kind: "upstream", code: "client.malformed" },
  {
    name: "a stream without the reply",
    script: answers(200, "data: {}\n\n", "text/event-stream"),
    kind: "upstream",
    code: "client.malformed",
  },
  {
    name: "a proxy's 502",
    script: answers(502, "<html>", "text/html"),
    kind: "upstream",
    code: "client.refused",
  },
  { name: "404", script: answers(404, { error: "nothing here" }), kind: "not_found", code: "client.refused" },
];
for (const { name, script, kind, code } of faults)
  test(`${name} is a Fault of kind ${kind}, ${code}`, async (t) => {
    await assert.rejects(call(t, script), (caught) => {
      assert.ok(caught instanceof Fault);
      assert.deepEqual([caught.kind, caught.code], [kind, code]);
      return true;
    });
  });
