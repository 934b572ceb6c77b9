// What belongs to a session rather than to one call: lists, streams, who may use it, which methods pass.
import assert from "node:assert/strict";
import { test } from "node:test";
import { answerJson, jsonAnswer, sseAnswer } from "./answers.fixture.ts";
import { toolCall } from "./exchange.fixture.ts";
import { capabilityOf, createRig } from "./pipeline.fixture.ts";

const initialize = { jsonrpc: "2.0", id: 1, method: "initialize", params: {} };
const progress = {
  jsonrpc: "2.0",
  method: "notifications/progress",
  params: { progressToken: 1, progress: 1 },
};

const list = (id: unknown) => ({
  jsonrpc: "2.0",
  id,
  result: { tools: [{ name: "echo" }, { name: "deny:policy" }, { name: "add" }], nextCursor: "c" },
});
const namesIn = (text: string) => [...text.matchAll(/"name":"([^"]+)"/g)].map(([, name]) => name);

test("tools/list shows what may be called, in JSON, in a stream and in a stream taken up again", async (t) => {
  const rig = await createRig(t);
  const ask = { jsonrpc: "2.0", id: 5, method: "tools/list" };
  rig.answering = () => jsonAnswer(list(5));
  assert.deepEqual(namesIn((await rig.send(ask)).text), ["echo", "add"]);
  rig.answering = () => sseAnswer([progress, list(5)]);
  assert.deepEqual(namesIn((await rig.send(ask)).text), ["echo", "add"]);
  rig.sessions.bind("default", "s", capabilityOf());
  const resumed = { verb: "GET", headers: { "mcp-session-id": "s", "last-event-id": "1" } } as const;
  rig.answering = () => sseAnswer([list(99)]);
  assert.deepEqual(namesIn((await rig.send(undefined, resumed)).text), ["echo", "add"]);
  assert.deepEqual(await rig.events(), []);
});

test("a list that cannot be read is withheld", async (t) => {
  const rig = await createRig(t);
  rig.answering = () => ({
    ...jsonAnswer({}),
    body: { ...jsonAnswer({}).body, whole: Buffer.from('{"result":{"tools":[') },
  });
  const got = await rig.send({ jsonrpc: "2.0", id: 5, method: "tools/list" });
  assert.equal(got.json().error?.code, -32018);
});

test("a stream of a session ends when its capability does", async (t) => {
  const rig = await createRig(t);
  rig.sessions.bind("default", "s", capabilityOf());
  const note = { jsonrpc: "2.0", method: "notifications/message", params: {} };
  const answer = sseAnswer([note, note]);
  rig.answering = () => ({
    ...answer,
    body: {
      ...answer.body,
      async *[Symbol.asyncIterator]() {
        let seen = 0;
        for await (const bytes of answer.body) {
          if (seen === 1) rig.capabilities.delete("alice");
          seen += 1;
          yield bytes;
        }
      },
    },
  });
  const got = await rig.send(undefined, { verb: "GET", headers: { "mcp-session-id": "s" } });
  assert.equal(got.text.match(/notifications\/message/g)?.length, 1);
  assert.equal(got.state, "ended");
});

test("a session is its opener's: bound by initialize, closed by DELETE, and nothing to anybody else", async (t) => {
  const rig = await createRig(t);
  const opened = { "content-type": "application/json", "mcp-session-id": "s1" };
  rig.answering = () =>
    jsonAnswer({ jsonrpc: "2.0", id: 1, result: { protocolVersion: "2025-11-25" } }, 200, opened);
  const got = await rig.send(initialize);
  assert.equal(got.headers["mcp-session-id"], "s1");
  rig.answering = answerJson;
  const headers = { "mcp-session-id": "s1" };
  assert.equal((await rig.send(toolCall("echo"), { headers })).status, 200);
  assert.equal((await rig.send(toolCall("echo"), { headers, token: "mallory" })).status, 404);
  assert.equal((await rig.send(undefined, { headers, token: "mallory", verb: "GET" })).status, 404);
  assert.equal(rig.forwarded.length, 2);
  rig.answering = () => ({ ...jsonAnswer({}), status: 204 });
  assert.equal((await rig.send(undefined, { headers, verb: "DELETE" })).status, 204);
  assert.equal((await rig.send(toolCall("echo"), { headers })).status, 404);
});

test("an upstream cannot give one caller's session id to another", async (t) => {
  const rig = await createRig(t);
  const opened = { "content-type": "application/json", "mcp-session-id": "s1" };
  rig.answering = () => jsonAnswer({ jsonrpc: "2.0", id: 1, result: {} }, 200, opened);
  await rig.send(initialize);
  const second = await rig.send(initialize, { token: "mallory" });
  assert.equal(second.json().error?.code, -32018);
  assert.equal(second.headers["mcp-session-id"], undefined);
});

test("configured methods pass, and no others", async (t) => {
  const rig = await createRig(t, { allowMethods: ["resources/*", "logging/setLevel"] });
  const ask = (method: string) => rig.send({ jsonrpc: "2.0", id: 1, method, params: {} });
  for (const method of ["resources/list", "resources/templates/list", "logging/setLevel", "ping"]) {
    assert.ok((await ask(method)).json().result, method);
  }
  for (const method of ["prompts/get", "logging/setLevels", "resources", "tools/callx"]) {
    assert.equal((await ask(method)).json().error?.code, -32012, method);
  }
});

test("a caller of /v1/tool-call needs no session and gets one JSON document under its own id", async (t) => {
  const rig = await createRig(t);
  rig.answering = (request) => {
    const { message } = request;
    if (message?.kind !== "request") return answerJson(request, new AbortController().signal);
    const id = message.id.value;
    if (message.method === "initialize") {
      return jsonAnswer({ jsonrpc: "2.0", id, result: { protocolVersion: "2025-11-25" } }, 200, {
        "content-type": "application/json",
        "mcp-session-id": "own",
      });
    }
    return sseAnswer([
      progress,
      { jsonrpc: "2.0", id, result: { session: request.headers["mcp-session-id"] } },
    ]);
  };
  const got = await rig.send(toolCall("echo", {}, "mine"), { door: "tool-call" });
  assert.deepEqual(got.json(), { jsonrpc: "2.0", id: "mine", result: { session: "own" } });
  assert.equal(got.headers["content-type"], "application/json");
  assert.equal((await rig.events())[0]?.outcome, "executed");
});
