// What belongs to one caller is nothing in another's hands: sessions, tasks and states are known to whom they were given and to nobody else,
// and what a list hides cannot be called, read, completed or watched under any spelling. What is not understood does not pass.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { JsonObject } from "@postern/contracts";
import { assertRefused, startHostileStack, verdictsOf } from "./hostile-stack.ts";
import { callBody, denialOf, modernBody, modernHead, requestBody, resultOf } from "./message.ts";

const stack = await startHostileStack({ after });
const { upstream } = stack;
const owner = await stack.mint({ subject: "owner" });
/** Same agent and tenant as the owner, but another token. */
const twin = await stack.mint({ subject: "owner" });
const thief = await stack.mint({ subject: "thief" });

/** Verdicts that are expected of each request id; compared with the control plane at the end. */
const expected = new Map<string, readonly string[]>();
const named = (...verdicts: readonly string[]): string => {
  const id = `hijack-${expected.size}`;
  expected.set(id, verdicts);
  return `X-Request-Id: ${id}`;
};

async function openSession(token: string): Promise<string> {
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "c", version: "1" } };
  const answer = await stack.ask({ token, body: requestBody("initialize", params) });
  upstream.fresh();
  return answer.headers.get("mcp-session-id") ?? assert.fail("no session");
}

test("a session in other hands does not exist, for any message, and its owner keeps it", async () => {
  const session = await openSession(owner);
  for (const token of [thief, twin]) {
    const inSession = (id: string) => [id, `Mcp-Session-Id: ${session}`];
    const call = await stack.ask({
      token,
      head: inSession(named("block none session.unknown")),
      body: callBody("record", { nonce: "stolen" }),
    });
    assertRefused(stack, call, { status: 404 });
    for (const body of [
      requestBody("tools/list"),
      requestBody("ping"),
      '{"jsonrpc":"2.0","id":1,"result":{}}',
    ]) {
      const answer = await stack.ask({ token, head: inSession(named("block none session.unknown")), body });
      assertRefused(stack, answer, { status: 404 });
    }
    const resumed = [...inSession("X-Request-Id: stream"), "Last-Event-ID: 1", "Accept: text/event-stream"];
    for (const method of ["GET", "DELETE"])
      assertRefused(stack, await stack.ask({ token, method, head: resumed }), { status: 404 });
  }
  const head = [named("allow executed"), `Mcp-Session-Id: ${session}`];
  assert.equal((await stack.ask({ token: owner, head, body: callBody("record") })).status, 200);
  assert.equal(upstream.fresh().length, 1);
});

test("a session that nobody opened, or that was closed, does not exist either", async () => {
  const session = await openSession(owner);
  const closing = await stack.ask({ token: owner, method: "DELETE", head: [`Mcp-Session-Id: ${session}`] });
  assert.equal(closing.status, 200);
  upstream.fresh();
  for (const id of [session, "00000000-0000-0000-0000-000000000000", "__proto__", "a".repeat(4_000)]) {
    const head = [named("block none session.unknown"), `Mcp-Session-Id: ${id}`];
    assertRefused(stack, await stack.ask({ token: owner, head, body: callBody("record") }), { status: 404 });
  }
});

const taskOf = (taskId: string, method: string) => ({
  head: modernHead(method, taskId),
  body: modernBody(method, { taskId }),
});

test("a task in other hands does not exist, in either era, and is answered like one that never was", async () => {
  const begin = { name: "task", arguments: { nonce: "secret" } };
  const begun = await stack.ask({
    token: owner,
    head: [named("allow executed"), ...modernHead("tools/call", "task")],
    body: modernBody("tools/call", begin),
  });
  const taskId = String(resultOf(begun)?.taskId);
  assert.equal(taskId, "task-secret");
  upstream.fresh();
  const refusal = { status: 200, code: -32602, reason: "capability.task" };
  for (const token of [thief, twin]) {
    for (const id of [taskId, "task-that-never-was", `${taskId} `, taskId.toUpperCase()]) {
      for (const method of ["tasks/get", "tasks/update", "tasks/cancel"]) {
        const { head, body } = taskOf(id.trimEnd() === id ? id : `=?base64?${btoa(id)}?=`, method);
        const sent = id.trimEnd() === id ? body : modernBody(method, { taskId: id });
        const answer = await stack.ask({
          token,
          head: [named("block none capability.task"), ...head],
          body: sent,
        });
        assertRefused(stack, answer, refusal);
      }
      for (const method of ["tasks/get", "tasks/result", "tasks/cancel"]) {
        const head = [named("block none capability.task")];
        assertRefused(
          stack,
          await stack.ask({ token, head, body: requestBody(method, { taskId: id }) }),
          refusal,
        );
      }
    }
  }
  const { head, body } = taskOf(taskId, "tasks/get");
  assert.equal(resultOf(await stack.ask({ token: owner, head, body }))?.status, "working");
  assert.equal(upstream.fresh().length, 1);
});

test("a state serves the caller and the tool that it was given for, and each repetition is judged and paid for", async () => {
  const token = await stack.mint({ subject: "owner", max_calls: 3 });
  const send = (by: string, name: string, verdict: string, more: JsonObject = {}) =>
    stack.ask({
      token: by,
      head: [named(verdict), ...modernHead("tools/call", name)],
      body: modernBody("tools/call", { name, arguments: { nonce: "n" }, ...more }),
    });
  const first = await send(token, "state", "allow executed");
  const requestState = String(resultOf(first)?.requestState);
  assert.equal(requestState, "state-n");
  upstream.fresh();
  const more = { requestState, inputResponses: {} };
  const refusal = { status: 200, code: -32010, reason: "capability.state" };
  for (const by of [thief, twin])
    assertRefused(stack, await send(by, "state", "block none capability.state", more), refusal);
  assertRefused(stack, await send(token, "record", "block none capability.state", more), refusal);
  assertRefused(stack, await send(token, "forbidden", "block none capability.state", more), refusal);
  for (let round = 2; round <= 3; round += 1) {
    assert.equal((await send(token, "state", "allow executed", more)).status, 200);
    assert.equal(upstream.fresh().length, 1);
  }
  const spent = { status: 200, code: -32013, reason: "budget.calls" };
  assertRefused(stack, await send(token, "state", "block none budget.calls", more), spent);
});

const ALIASES = [
  "Record",
  "RECORD",
  " record",
  "record ",
  "record\u00a0",
  "record\u200b",
  "record\u00ad",
  "re\u0301cord",
  "\uff52ecord",
  "re\u0441ord",
  "recor\u1e0d",
  "record/",
  "/record",
  "./record",
  "record.",
  "rec%6frd",
  "rec\\u006frd",
  "record?x=1",
  "record#",
  "record*",
  "*",
  "rec?rd",
  "default/record",
  "default.record",
  "default:record",
  "mcp__default__record",
  "record,forbidden",
  "record|forbidden",
  "__proto__",
  "constructor",
  "toString",
];
test("a tool is its exact name: under no other spelling does a token cover it or a policy list it", async () => {
  const narrow = await stack.mint({ subject: "narrow", tools: ["record"] });
  for (const name of ALIASES) {
    const byToken = { status: 200, code: -32010, reason: "capability.tool" };
    const one = [named("block none capability.tool")];
    assertRefused(stack, await stack.ask({ token: narrow, head: one, body: callBody(name) }), byToken);
    const byPolicy = { status: 200, code: -32012, reason: "policy.denied" };
    const two = [named("block none policy.denied")];
    assertRefused(stack, await stack.ask({ head: two, body: callBody(name) }), byPolicy);
  }
});

/** What a refusal tells, without what is different each time. */
const told = (body: Buffer, name: string) =>
  body
    .toString()
    .replaceAll(name, "NAME")
    .replace(/"(request_id|event_id)":"[^"]*"/g, '"$1":""');

test("what a list hides cannot be called, and is answered like what does not exist", async () => {
  const list = resultOf(await stack.ask({ body: requestBody("tools/list") }))?.tools as JsonObject[];
  assert.deepEqual(
    list.map(({ name }) => name),
    upstream.tools.map(({ name }) => name).filter((name) => name !== "forbidden"),
  );
  upstream.fresh();
  const answers = [];
  for (const name of ["forbidden", "nothinghere"]) {
    const answer = await stack.ask({ head: [named("block none policy.denied")], body: callBody(name) });
    assertRefused(stack, answer, { status: 200, code: -32012 });
    answers.push(told(answer.body, name));
    const silent = JSON.stringify({ jsonrpc: "2.0", method: "tools/call", params: { name, arguments: {} } });
    assertRefused(stack, await stack.ask({ head: [named("block none policy.denied")], body: silent }), {
      status: 403,
    });
    const door = { target: "/v1/tool-call", head: [named("block none policy.denied")], body: callBody(name) };
    assertRefused(stack, await stack.ask(door), { status: 200, code: -32012 });
  }
  assert.equal(answers[0], answers[1]);
});

const HIDDEN: readonly (readonly [title: string, method: string, params: JsonObject])[] = [
  ["a prompt", "prompts/get", { name: "hidden" }],
  ["a prompt in another case", "prompts/get", { name: "Open" }],
  ["a prompt with a space", "prompts/get", { name: "open " }],
  ["a resource", "resources/read", { uri: "doc://hidden/1" }],
  ["a resource in another case", "resources/read", { uri: "DOC://open/1" }],
  ["a resource with a space before", "resources/read", { uri: " doc://open/1" }],
  ["a resource without a URI", "resources/read", {}],
  ["a resource whose URI is a list", "resources/read", { uri: ["doc://open/1"] }],
  ["to be told of a resource", "resources/subscribe", { uri: "doc://hidden/1" }],
  ["to be told no more", "resources/unsubscribe", { uri: "doc://hidden/1" }],
  [
    "what a prompt takes",
    "completion/complete",
    { ref: { type: "ref/prompt", name: "hidden" }, argument: {} },
  ],
  [
    "what a resource takes",
    "completion/complete",
    { ref: { type: "ref/resource", uri: "doc://hidden/{x}" } },
  ],
  [
    "a reference beside its own",
    "completion/complete",
    { name: "open", ref: { type: "ref/prompt", name: "hidden" } },
  ],
  ["no reference at all", "completion/complete", { name: "open" }],
  ["a stream of changes", "subscriptions/listen", { notifications: {} }],
  ["the log level", "logging/setLevel", { level: "debug" }],
];
for (const [title, method, params] of HIDDEN) {
  test(`what lies beside tools is judged by its own name: ${title}`, async () => {
    const answer = await stack.ask({
      head: [named("block none policy.denied")],
      body: requestBody(method, params),
    });
    assertRefused(stack, answer, { status: 200, code: -32012, reason: "policy.denied" });
  });
}

test("what the policy opens beside tools passes, so that the refusals above are no accident", async () => {
  for (const [method, params] of [
    ["prompts/get", { name: "open" }],
    ["resources/read", { uri: "doc://open/1" }],
    ["completion/complete", { ref: { type: "ref/prompt", name: "open" } }],
  ] as const) {
    const answer = await stack.ask({ head: [named("allow executed")], body: requestBody(method, params) });
    assert.equal(denialOf(answer), undefined, answer.body.toString());
    assert.equal(upstream.fresh().length, 1);
  }
});

const UNKNOWN = [
  "sampling/createMessage",
  "elicitation/create",
  "roots/list",
  "tools/call2",
  "tools/Call",
  "TOOLS/CALL",
  "tools/call ",
  " tools/call",
  "tools/call/",
  "tools//call",
  "tools.call",
  "tools\uff0fcall",
  "tasks/delete",
  "rpc.discover",
  "$/cancelRequest",
  "x/anything",
  "notifications/anything",
  "__proto__",
  "constructor",
  "hasOwnProperty",
  "\u202etools/call",
];
test("a method that is not understood does not pass, as request or notification, in either era, and leaves an event", async () => {
  for (const method of UNKNOWN) {
    const params = { name: "record", arguments: {} };
    const refusal = { code: -32601, reason: "policy.denied" };
    const legacy = { head: [named("block none policy.denied")], body: requestBody(method, params) };
    assertRefused(stack, await stack.ask(legacy), { status: 200, ...refusal });
    const silent = JSON.stringify({ jsonrpc: "2.0", method, params });
    const notification = { head: [named("block none policy.denied")], body: silent };
    assertRefused(stack, await stack.ask(notification), { status: 403 });
    if (!/^[\x21-\x7e]+$/.test(method)) continue;
    const modern = {
      head: [named("block none policy.denied"), ...modernHead(method)],
      body: modernBody(method, params),
    };
    assertRefused(stack, await stack.ask(modern), { status: 404, ...refusal });
  }
});

test("an answer to a question that no session asked does not pass", async () => {
  for (const body of [
    '{"jsonrpc":"2.0","id":1,"result":{}}',
    '{"jsonrpc":"2.0","id":"x","error":{"code":1}}',
  ]) {
    const answer = await stack.ask({ head: [named("block none policy.denied")], body });
    assertRefused(stack, answer, { status: 403 });
  }
});

test("each of those messages left exactly the events that it should", async () => {
  const events = await stack.events();
  for (const [id, verdicts] of expected) assert.deepEqual(verdictsOf(events, id), verdicts, id);
});
