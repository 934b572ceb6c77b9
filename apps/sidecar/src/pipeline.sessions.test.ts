// What belongs to a session rather than to one call: lists, streams, who may use it, which methods pass.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@postern/fault";
import { answerJson, jsonAnswer, sseAnswer } from "./answers.fixture.ts";
import { createMemoryExchange, toolCall } from "./exchange.fixture.ts";
import { capabilityOf, createRig } from "./pipeline.fixture.ts";
import { upstreamFault } from "./upstream/upstream.ts";

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

test("an upstream that the capability does not cover is closed to every message, not to calls alone", async (t) => {
  const rig = await createRig(t);
  rig.capabilities.set(
    "alice",
    capabilityOf({ hops: [{ jti: "jti-1", caveats: [{ type: "upstreams", names: ["files"] }] }] }),
  );
  rig.sessions.bind("default", "s", capabilityOf());
  const headers = { "mcp-session-id": "s" };
  const messages = [
    initialize,
    toolCall("echo"),
    { jsonrpc: "2.0", id: 1, method: "tools/list" },
    { jsonrpc: "2.0", id: 1, method: "resources/read", params: { uri: "crm://all" } },
    { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } },
    { jsonrpc: "2.0", id: 1, result: {} },
  ];
  for (const message of messages) {
    const got = await rig.send(message, { headers });
    if (got.text !== "") assert.equal(got.json().error?.data.reason, "capability.upstream");
    else assert.equal(got.status, 403);
  }
  for (const verb of ["GET", "DELETE"] as const)
    assert.equal((await rig.send(undefined, { verb, headers })).status, 401);
  assert.deepEqual(rig.forwarded, []);
  const events = await rig.events();
  assert.equal(events.length, messages.length);
  for (const event of events)
    assert.deepEqual([event.agent_id, event.reasons], ["alice", ["capability.upstream"]]);
});

test("a stream, or its end, outside any session is refused, and nothing reaches the upstream", async (t) => {
  const rig = await createRig(t);
  for (const verb of ["GET", "DELETE"] as const) {
    for (const headers of [{}, { "last-event-id": "other" }]) {
      const got = await rig.send(undefined, { verb, headers });
      assert.deepEqual([got.status, got.headers.allow], [405, "POST"]);
      assert.equal(got.json().error?.data.reason, "session.unknown");
    }
  }
  assert.deepEqual(rig.forwarded, []);
});

test("a capability root has so many sessions and no more, and one that ends makes room", async (t) => {
  const rig = await createRig(t);
  let opened = 0;
  rig.answering = ({ method }) => {
    if (method === "DELETE") return { ...jsonAnswer({}), status: 204 };
    opened += 1;
    const headers = { "content-type": "application/json", "mcp-session-id": `s${opened}` };
    return jsonAnswer({ jsonrpc: "2.0", id: 1, result: {} }, 200, headers);
  };
  for (let count = 1; count <= 3; count += 1) assert.ok((await rig.send(initialize)).json().result);
  const { error } = (await rig.send(initialize)).json();
  assert.deepEqual(
    [error?.code, error?.data.reason, error?.data.check],
    [-32013, "budget.sessions", "budget"],
  );
  assert.ok((await rig.send(initialize, { token: "mallory" })).json().result);
  await rig.send(undefined, { verb: "DELETE", headers: { "mcp-session-id": "s1" } });
  assert.ok((await rig.send(initialize)).json().result);
});

test("a session that was just opened takes one place, not two, while its answer is on its way", async (t) => {
  const rig = await createRig(t);
  rig.sessions.bind("default", "s0", capabilityOf());
  const headers = { "content-type": "application/json", "mcp-session-id": "s1" };
  rig.answering = () => jsonAnswer({ jsonrpc: "2.0", id: 1, result: {} }, 200, headers);
  const exchange = createMemoryExchange();
  let third: unknown;
  exchange.whole = () => {
    third = rig.sessions.open(capabilityOf());
  };
  await rig.send(initialize, { exchange });
  assert.ok(third);
});

test("a session that the upstream did not open takes no place", async (t) => {
  const rig = await createRig(t);
  rig.answering = () => jsonAnswer({ jsonrpc: "2.0", id: 1, error: { code: -32603, message: "no" } });
  for (let count = 0; count < 5; count += 1)
    assert.equal((await rig.send(initialize)).json().error?.code, -32603);
});

test("a capability root has so many open streams and no more, until one ends", async (t) => {
  const rig = await createRig(t);
  rig.sessions.bind("default", "s", capabilityOf());
  const ending = Promise.withResolvers<void>();
  rig.answering = () => {
    const answer = sseAnswer([]);
    return {
      ...answer,
      body: {
        ...answer.body,
        async *[Symbol.asyncIterator]() {
          yield Buffer.from(": open\n\n");
          await ending.promise;
        },
      },
    };
  };
  const listen = { jsonrpc: "2.0", id: 1, method: "subscriptions/listen", params: {} };
  const get = { verb: "GET", headers: { "mcp-session-id": "s" } } as const;
  const open = [rig.send(undefined, get), rig.send(listen)];
  while (rig.forwarded.length < 2) await new Promise((resolve) => setImmediate(resolve));
  const refused = await rig.send(undefined, get);
  assert.deepEqual([refused.status, refused.json().error?.data.reason], [429, "budget.streams"]);
  assert.equal((await rig.send(listen)).json().error?.code, -32013);
  // Calls and other messages go on.
  rig.answering = answerJson;
  assert.ok((await rig.send(toolCall("echo"))).json().result);
  ending.resolve();
  await Promise.all(open);
  assert.equal((await rig.send(undefined, get)).status, 202);
});

const read = { jsonrpc: "2.0", id: 1, method: "resources/read", params: { uri: "file:///a", _meta: {} } };

test("what lies beside tools is recorded before it is forwarded, and settled after", async (t) => {
  const rig = await createRig(t);
  let durable = 0;
  rig.answering = (request, signal) => {
    durable = rig.spool.usage().records;
    return answerJson(request, signal);
  };
  assert.ok((await rig.send(read)).json().result);
  assert.equal(durable, 1);
  const [event, ...others] = await rig.events();
  assert.deepEqual(others, []);
  assert.deepEqual(
    [event?.event, event?.method, event?.decision, event?.outcome, event?.outcomes],
    ["intentgate.mcp_message", "resources/read", "allow", "executed", 1],
  );
  assert.deepEqual([event?.tool, event?.arg_keys, event?.agent_id], ["resources/read", ["uri"], "alice"]);
  assert.match(event?.args_digest ?? "", /^[0-9a-f]{64}$/);
});

test("a message that cannot be recorded is not forwarded", async (t) => {
  const full = async () => {
    throw new Fault("unavailable", "audit.spool_full", "full");
  };
  const speaker = { tenant: "acme", sidecarId: "s", epoch: 1 };
  const journal = { speaker, append: full, appendOutcome: async () => {} };
  const rig = await createRig(t, { journal });
  assert.equal((await rig.send(read)).json().error?.code, -32019);
  assert.deepEqual(rig.forwarded, []);
});

test("a recorded message whose upstream breaks has one outcome, and the caller is told its event", async (t) => {
  const rig = await createRig(t);
  rig.answering = () => {
    throw upstreamFault("upstream.unavailable", "reset", { sent: true });
  };
  const { error } = (await rig.send(read)).json();
  const [event] = await rig.events();
  assert.deepEqual([event?.outcome, event?.outcomes], ["failed", 1]);
  assert.equal(error?.data.event_id, event?.event_id);
});

test("a subscription's outcome is written when its stream begins, since it may never end", async (t) => {
  const rig = await createRig(t);
  const answer = sseAnswer([]);
  let outcomes: number | undefined;
  rig.answering = () => ({
    ...answer,
    body: {
      ...answer.body,
      // biome-ignore lint/correctness/useYield: nothing is said before the stream ends.
      async *[Symbol.asyncIterator]() {
        outcomes = (await rig.events())[0]?.outcomes;
      },
    },
  });
  await rig.send({ jsonrpc: "2.0", id: 1, method: "subscriptions/listen", params: {} });
  assert.equal(outcomes, 1);
  assert.equal((await rig.events())[0]?.outcomes, 1);
});

test("known methods are judged, unknown ones pass only if the configuration names them, and are judged then", async (t) => {
  const rig = await createRig(t, { allowMethods: ["x/*", "y/z"] });
  const ask = (method: string, params = {}) => rig.send({ jsonrpc: "2.0", id: 1, method, params });
  for (const method of ["prompts/get", "logging/setLevel", "ping", "x/a", "x/b/c", "y/z"]) {
    assert.ok((await ask(method)).json().result, method);
    const denied = await ask(method, { name: "deny:policy" });
    if (method !== "ping") assert.equal(denied.json().error?.code, -32012, method);
  }
  for (const method of ["y/zz", "x", "logging/setLevels", "tools/callx"]) {
    assert.equal((await ask(method)).json().error?.code, -32601, method);
  }
});

test("lists of resources and prompts show what may be asked for, and news of a hidden resource is kept back", async (t) => {
  const rig = await createRig(t);
  const page = {
    resources: [{ uri: "a:1" }, { uri: "deny:policy" }],
    resourceTemplates: [{ uriTemplate: "deny:policy" }],
    prompts: [{ name: "deny:policy" }, { name: "p" }],
  };
  rig.answering = () => jsonAnswer({ jsonrpc: "2.0", id: 1, result: page });
  const got = await rig.send({ jsonrpc: "2.0", id: 1, method: "resources/list" });
  assert.deepEqual(got.json().result, {
    resources: [{ uri: "a:1" }],
    resourceTemplates: [],
    prompts: [{ name: "p" }],
  });
  const updated = (uri: string) => ({
    jsonrpc: "2.0",
    method: "notifications/resources/updated",
    params: { uri },
  });
  rig.sessions.bind("default", "s", capabilityOf());
  rig.answering = () => sseAnswer([updated("deny:policy"), updated("a:1")]);
  const news = await rig.send(undefined, { verb: "GET", headers: { "mcp-session-id": "s" } });
  assert.doesNotMatch(news.text, /deny/);
  assert.match(news.text, /a:1/);
});

test("a task is its beginner's: others are told that there is none, in either era", async (t) => {
  const rig = await createRig(t);
  const tasks = { old: { task: { taskId: "old" } }, new: { resultType: "task", taskId: "new" } };
  for (const [taskId, result] of Object.entries(tasks)) {
    rig.answering = () => jsonAnswer({ jsonrpc: "2.0", id: 1, result });
    await rig.send(toolCall("long"));
    rig.answering = answerJson;
    const ask = { jsonrpc: "2.0", id: 1, method: "tasks/get", params: { taskId } };
    assert.ok((await rig.send(ask)).json().result);
    const refused = await rig.send(ask, { token: "mallory" });
    assert.deepEqual(
      [refused.json().error?.code, refused.json().error?.data.reason],
      [-32602, "capability.task"],
    );
  }
  const page = { tasks: [{ taskId: "old" }, { taskId: "new" }, { taskId: "other" }] };
  rig.answering = () => jsonAnswer({ jsonrpc: "2.0", id: 1, result: page });
  const list = { jsonrpc: "2.0", id: 1, method: "tasks/list" };
  assert.deepEqual((await rig.send(list)).json().result, { tasks: page.tasks.slice(0, 2) });
  assert.deepEqual((await rig.send(list, { token: "mallory" })).json().result, { tasks: [] });
});

test("the state of a call that waits for input serves its caller and its tool alone; the repeated call is judged", async (t) => {
  const rig = await createRig(t);
  const result = { resultType: "input_required", inputRequests: {}, requestState: "st" };
  rig.answering = () => jsonAnswer({ jsonrpc: "2.0", id: 1, result });
  await rig.send(toolCall("ask"));
  rig.answering = answerJson;
  const again = (name: string, requestState = "st") => ({
    jsonrpc: "2.0",
    id: 2,
    method: "tools/call",
    params: { name, arguments: {}, requestState, inputResponses: {} },
  });
  assert.ok((await rig.send(again("ask"))).json().result);
  assert.ok((await rig.send(again("ask", "of another instance"))).json().result);
  for (const [message, token] of [
    [again("ask"), "mallory"],
    [again("other"), "alice"],
  ] as const) {
    assert.equal((await rig.send(message, { token })).json().error?.data.reason, "capability.state");
  }
  assert.equal((await rig.send(again("deny:policy"))).json().error?.code, -32010);
  assert.equal(rig.forwarded.length, 3);
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
      { jsonrpc: "2.0", id, result: { session: request.headers.get("mcp-session-id") } },
    ]);
  };
  const got = await rig.send(toolCall("echo", {}, "mine"), { door: "tool-call" });
  assert.deepEqual(got.json(), { jsonrpc: "2.0", id: "mine", result: { session: "own" } });
  assert.equal(got.headers["content-type"], "application/json");
  assert.equal((await rig.events())[0]?.outcome, "executed");
});
