// Negative space of the pipeline: each row is refused, its answer says why, and the upstream never hears of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { reason } from "@postern/contracts";
import { jsonAnswer } from "./answers.fixture.ts";
import { toolCall } from "./exchange.fixture.ts";
import { createRig, type SendOptions } from "./pipeline.fixture.ts";

interface Refusal {
  readonly title: string;
  readonly message: unknown;
  readonly options?: SendOptions;
  readonly status: number;
  /** 0: no body. */
  readonly code: number;
  readonly reason?: string;
  readonly events: number;
  readonly decision?: string;
}

const initialize = { jsonrpc: "2.0", id: 1, method: "initialize", params: {} };
const REFUSALS: readonly Refusal[] = [
  {
    title: "no token",
    message: toolCall("echo"),
    options: { token: null },
    status: 200,
    code: -32010,
    events: 1,
  },
  {
    title: "a token that does not verify",
    message: toolCall("echo"),
    options: { token: "bad" },
    status: 200,
    code: -32010,
    events: 1,
  },
  {
    title: "a token in another scheme",
    message: toolCall("echo"),
    options: { token: null, headers: { authorization: "Basic alice" } },
    status: 200,
    code: -32010,
    events: 1,
  },
  {
    title: "the capability check",
    message: toolCall("deny:capability"),
    status: 200,
    code: -32010,
    events: 1,
  },
  { title: "the intent check", message: toolCall("deny:intent"), status: 200, code: -32011, events: 1 },
  { title: "the policy check", message: toolCall("deny:policy"), status: 200, code: -32012, events: 1 },
  { title: "the budget check", message: toolCall("deny:budget"), status: 200, code: -32013, events: 1 },
  {
    title: "an escalation",
    message: toolCall("escalate"),
    status: 200,
    code: -32014,
    reason: "policy.escalated",
    events: 1,
    decision: "escalate",
  },
  {
    title: "a call in notification form",
    message: toolCall("deny:policy", {}, null),
    status: 403,
    code: 0,
    events: 1,
  },
  {
    title: "a session that does not exist",
    message: toolCall("echo"),
    options: { headers: { "mcp-session-id": "none" } },
    status: 404,
    code: -32600,
    reason: "session.unknown",
    events: 1,
  },
  {
    title: "initialize without a token",
    message: initialize,
    options: { token: null },
    status: 200,
    code: -32010,
    events: 1,
  },
  {
    title: "a resource",
    message: { jsonrpc: "2.0", id: 1, method: "resources/read", params: { uri: "deny:policy" } },
    status: 200,
    code: -32012,
    reason: "policy.denied",
    events: 1,
  },
  {
    title: "a prompt",
    message: { jsonrpc: "2.0", id: 1, method: "prompts/get", params: { name: "deny:policy" } },
    status: 200,
    code: -32012,
    events: 1,
  },
  {
    title: "the completion of a prompt's argument",
    message: {
      jsonrpc: "2.0",
      id: 1,
      method: "completion/complete",
      params: { ref: { type: "ref/prompt", name: "deny:policy" }, argument: { name: "a", value: "b" } },
    },
    status: 200,
    code: -32012,
    events: 1,
  },
  {
    title: "a subscription to a resource",
    message: { jsonrpc: "2.0", id: 1, method: "resources/subscribe", params: { uri: "deny:policy" } },
    status: 200,
    code: -32012,
    events: 1,
  },
  {
    title: "a task that nobody began here",
    message: { jsonrpc: "2.0", id: 1, method: "tasks/get", params: { taskId: "t" } },
    status: 200,
    code: -32602,
    reason: "capability.task",
    events: 1,
  },
  {
    title: "a method that nobody knows",
    message: { jsonrpc: "2.0", id: 1, method: "tools/invoke", params: {} },
    status: 200,
    code: -32601,
    events: 1,
  },
  {
    title: "an unknown notification",
    message: { jsonrpc: "2.0", method: "notifications/other" },
    status: 403,
    code: 0,
    events: 1,
  },
  {
    title: "an answer outside any session",
    message: { jsonrpc: "2.0", id: 1, result: {} },
    status: 403,
    code: 0,
    events: 1,
  },
  {
    title: "a GET without a token",
    message: undefined,
    options: { verb: "GET", token: null },
    status: 401,
    code: -32010,
    events: 0,
  },
  {
    title: "a DELETE of somebody's session",
    message: undefined,
    options: { verb: "DELETE", headers: { "mcp-session-id": "s" } },
    status: 404,
    code: -32600,
    events: 0,
  },
  { title: "text that is not JSON", message: Buffer.from("{"), status: 400, code: -32700, events: 0 },
  {
    title: "a key given twice",
    message: Buffer.from(
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","name":"rm"}}',
    ),
    status: 400,
    code: -32600,
    events: 0,
  },
  { title: "a batch", message: [toolCall("echo")], status: 400, code: -32600, events: 0 },
  {
    title: "a tool without a name",
    message: { jsonrpc: "2.0", id: 1, method: "tools/call", params: {} },
    status: 400,
    code: -32602,
    events: 0,
  },
  {
    title: "a header that names another tool",
    message: toolCall("echo"),
    options: { headers: { "mcp-name": "rm" } },
    status: 400,
    code: -32020,
    events: 0,
  },
  {
    title: "another method at /v1/tool-call",
    message: initialize,
    options: { door: "tool-call" },
    status: 200,
    code: -32601,
    events: 0,
  },
  {
    title: "a notification at /v1/tool-call",
    message: toolCall("echo", {}, null),
    options: { door: "tool-call" },
    status: 403,
    code: 0,
    events: 0,
  },
  {
    title: "a denied call at /v1/tool-call",
    message: toolCall("deny:policy"),
    options: { door: "tool-call" },
    status: 200,
    code: -32012,
    events: 1,
  },
];

for (const { title, message, options, status, code, reason, events, decision } of REFUSALS) {
  test(`refused, and nothing reaches the upstream: ${title}`, async (t) => {
    const rig = await createRig(t);
    const got = await rig.send(message, options);
    assert.deepEqual([got.status, got.answers, got.state], [status, 1, "ended"]);
    assert.deepEqual(rig.forwarded, []);
    assert.deepEqual([...rig.closed.values()].flat(), []);
    const recorded = await rig.events();
    assert.equal(recorded.length, events);
    if (code === 0) assert.equal(got.text, "");
    else {
      const { error } = got.json();
      assert.equal(error?.code, code);
      if (reason !== undefined) assert.equal(error?.data.reason, reason);
      if (events === 1) assert.equal(error?.data.event_id, recorded[0]?.event_id);
    }
    for (const event of recorded)
      assert.deepEqual([event.decision, event.outcome], [decision ?? "block", "none"]);
  });
}

test("a caller who proved nothing is recorded small: nothing of what it sends to call with, and no session", async (t) => {
  const rig = await createRig(t, { argValues: "full" });
  const tool = "t".repeat(256);
  const args = Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`key-${at}`, "x".repeat(100)]));
  await rig.send(toolCall(tool, args), { token: "bad", headers: { "mcp-session-id": "s".repeat(9_000) } });
  const [event] = await rig.events();
  assert.deepEqual(
    [event?.arg_keys, event?.arg_values, event?.args_digest, event?.session_id, event?.tool.length],
    [[], {}, "", "", 128],
  );
  assert.ok(Buffer.byteLength(JSON.stringify(event)) < 2_048);
});

test("a caller who proved nothing is refused as ever when nothing is recorded of it", async (t) => {
  const rig = await createRig(t, { strangers: { tell: async () => false } });
  const { error } = (await rig.send(toolCall("echo"), { token: "bad" })).json();
  assert.deepEqual([error?.code, error?.data.reason], [-32010, "capability.signature"]);
  assert.equal(error?.data.event_id, undefined);
  assert.deepEqual(await rig.events(), []);
});

test("a denial tells which check refused, why, and where it is recorded", async (t) => {
  const rig = await createRig(t);
  const { error, id } = (await rig.send(toolCall("deny:intent", {}, "call-9"))).json();
  assert.equal(id, "call-9");
  assert.equal(error?.message, "no: intent");
  const { event_id, request_id, ...told } = error?.data ?? {};
  assert.deepEqual(told, {
    check: "intent",
    reason: "policy.denied",
    detail: "no: intent",
    reasons: [{ code: "policy.denied", detail: "no: intent" }],
  });
  assert.ok(event_id && request_id);
});

test("a tool whose definition is not the approved one is hidden, refused once it would be allowed, and gives its budget back", async (t) => {
  const rig = await createRig(t, {
    pins: {
      refusalOf: (_upstream, tool) => (tool === "changed" ? reason("pin.changed") : undefined),
      admit: (_upstream, { name }) => name !== "changed",
    },
  });
  const refused = (await rig.send(toolCall("changed"))).json().error;
  assert.deepEqual(
    [refused?.code, refused?.data.check, refused?.data.reason],
    [-32017, "pin", "pin.changed"],
  );
  assert.deepEqual(rig.forwarded, []);
  assert.deepEqual([...rig.closed.values()], [["released"]]);
  assert.deepEqual(
    (await rig.events()).map(({ decision, check }) => [decision, check]),
    [["block", "pin"]],
  );
  rig.answering = () =>
    jsonAnswer({ jsonrpc: "2.0", id: 1, result: { tools: [{ name: "changed" }, { name: "echo" }] } });
  const listed = await rig.send({ jsonrpc: "2.0", id: 1, method: "tools/list" });
  assert.deepEqual(listed.json().result, { tools: [{ name: "echo" }] });
});

test("a call whose upstream goes while it is judged is refused, recorded, and costs nothing", async (t) => {
  const rig = await createRig(t, { upstreams: new Map() });
  const { error } = (await rig.send(toolCall("echo"))).json();
  assert.equal(error?.data.reason, "upstream.unavailable");
  const [event] = await rig.events();
  assert.deepEqual([event?.outcome, event?.cost_micros, ...rig.closed.values()], ["failed", 0, ["released"]]);
});
