// What a decision asks for beside yes and no: the tool server gets exactly what was changed, and so does the caller, on whatever way it comes.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PolicyDecision } from "@postern/contracts";
import { answerJson, jsonAnswer, sseAnswer } from "./answers.fixture.ts";
import { toolCall } from "./exchange.fixture.ts";
import { capabilityOf, createRig } from "./pipeline.fixture.ts";

const MAIL = "ada@example.com";
const redacting: PolicyDecision = {
  allow: true,
  pii_filter: { enabled: true, patterns: ["email"], default_action: "redact" },
};
const blocking: PolicyDecision = {
  allow: true,
  pii_filter: { enabled: true, patterns: ["email"], default_action: "block" },
};
const telling = (id: unknown) => ({
  jsonrpc: "2.0",
  id,
  result: {
    content: [{ type: "text", text: `write to ${MAIL}` }],
    structuredContent: { to: MAIL },
  },
});

test("the tool server gets the changed value, the record speaks of it, and nothing else of the message changes", async (t) => {
  const rig = await createRig(t, { argValues: "full" });
  rig.policy = redacting;
  const meta = { progressToken: "p" };
  const message = {
    jsonrpc: "2.0",
    id: "seven",
    method: "tools/call",
    params: { name: "send", arguments: { to: MAIL, count: 3 }, _meta: meta },
  };
  await rig.send(message, { headers: { "mcp-param-to": MAIL } });
  const [request] = rig.forwarded;
  assert.deepEqual(JSON.parse(Buffer.from(request?.body ?? []).toString()), {
    ...message,
    params: { ...message.params, arguments: { to: "[REDACTED:email]", count: 3 } },
  });
  assert.equal(request?.headers.get("mcp-param-to"), undefined);
  const [event] = await rig.events();
  assert.deepEqual(event?.arg_values, { to: "[REDACTED:email]", count: 3 });
  assert.deepEqual(event?.obligations, ["request:pii_filter:email:redact=1"]);
});

test("what has nothing to be changed travels as the very bytes that came", async (t) => {
  const rig = await createRig(t);
  rig.policy = redacting;
  const body = Buffer.from(JSON.stringify(toolCall("send", { to: "nobody" })).replace(":", " : "));
  await rig.send(body);
  assert.deepEqual(Buffer.from(rig.forwarded[0]?.body ?? []), body);
});

test("what may not pass is refused before anything is sent, and its budget goes back", async (t) => {
  const rig = await createRig(t);
  rig.policy = blocking;
  const { error } = (await rig.send(toolCall("send", { to: MAIL }))).json();
  assert.deepEqual([error?.code, error?.data.check, error?.data.reason], [-32015, "pii", "pii.request"]);
  assert.deepEqual(rig.forwarded, []);
  assert.deepEqual([...rig.closed.values()], [["released"]]);
  const [event] = await rig.events();
  assert.deepEqual([event?.decision, event?.check, event?.outcome], ["block", "pii", "none"]);
  assert.deepEqual(event?.obligations, ["request:pii_filter:email:block=1"]);
});

test("an obligation that cannot be understood refuses the call", async (t) => {
  const rig = await createRig(t);
  rig.policy = { allow: true, obligations: [{ type: "redact", parameters: { paths: "nonsense" } }] };
  const { error } = (await rig.send(toolCall("send"))).json();
  assert.deepEqual([error?.code, error?.data.reason], [-32012, "policy.obligation"]);
  assert.deepEqual(rig.forwarded, []);
});

test("what a repeated call brings along is looked at too", async (t) => {
  const rig = await createRig(t);
  rig.policy = redacting;
  const params = { name: "send", arguments: {}, inputResponses: { a: { content: { mail: MAIL } } } };
  await rig.send({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
  assert.doesNotMatch(Buffer.from(rig.forwarded[0]?.body ?? []).toString(), /ada@/);
});

test("the caller gets the changed answer, whole, streamed, on a stream taken up again, and of a task", async (t) => {
  const rig = await createRig(t);
  rig.policy = redacting;
  rig.answering = () => jsonAnswer(telling(1));
  const whole = await rig.send(toolCall("read"));
  rig.answering = () => sseAnswer([telling(1)]);
  const streamed = await rig.send(toolCall("read"));

  rig.sessions.bind("default", "s", capabilityOf());
  const headers = { "mcp-session-id": "s" };
  rig.answering = () => sseAnswer([]);
  await rig.send(toolCall("read", {}, 77), { headers });
  rig.answering = () => sseAnswer([telling(77)]);
  const resumed = await rig.send(undefined, { verb: "GET", headers });

  rig.answering = () => jsonAnswer({ jsonrpc: "2.0", id: 1, result: { task: { taskId: "t" } } });
  await rig.send(toolCall("read"));
  rig.answering = () => jsonAnswer(telling(1));
  const task = await rig.send({ jsonrpc: "2.0", id: 1, method: "tasks/result", params: { taskId: "t" } });

  for (const { text } of [whole, streamed, resumed, task]) {
    assert.doesNotMatch(text, /ada@/);
    assert.equal(text.match(/\[REDACTED:email\]/g)?.length, 2);
  }
});

test("an answer that may not be told is replaced by an error, and its event says that the call ran", async (t) => {
  const rig = await createRig(t);
  rig.policy = blocking;
  for (const answering of [() => jsonAnswer(telling(1)), () => sseAnswer([telling(1)])]) {
    rig.answering = answering;
    const got = await rig.send(toolCall("read"));
    assert.match(got.text, /-32015/);
    assert.match(got.text, /pii\.response/);
    assert.doesNotMatch(got.text, /ada@/);
  }
  for (const event of await rig.events()) {
    assert.deepEqual([event.decision, event.outcome, event.outcomes], ["allow", "executed", 1]);
    assert.deepEqual(event.obligations, ["response:pii_filter:email:block=1"]);
  }
});

test("an answer that is larger than the policy allows is withheld", async (t) => {
  const rig = await createRig(t);
  rig.policy = { allow: true, obligations: [{ type: "response_limit", parameters: { bytes_max: 40 } }] };
  const { error } = (await rig.send(toolCall("read"))).json();
  assert.deepEqual([error?.code, error?.data.reason], [-32016, "output_schema.too_large"]);
  rig.policy = { allow: true };
  rig.answering = answerJson;
  assert.ok((await rig.send(toolCall("read"))).json().result);
});

test("what lies beside tools is changed in its params alone, and the record holds nothing of what was there", async (t) => {
  const rig = await createRig(t, { argValues: "full" });
  rig.policy = redacting;
  await rig.send({ jsonrpc: "2.0", id: 1, method: "resources/read", params: { uri: `mailto:${MAIL}` } });
  const { params } = JSON.parse(Buffer.from(rig.forwarded[0]?.body ?? []).toString());
  assert.deepEqual(Object.keys(params), ["uri"]);
  assert.doesNotMatch(params.uri, /ada@/);
  const [event] = await rig.events();
  assert.deepEqual(event?.arg_values, params);
});

test("whatever a repeated call brings in the place of its input, it is looked at and leaves one event", async (t) => {
  for (const inputResponses of [MAIL, [MAIL], null, 7, true]) {
    const rig = await createRig(t);
    rig.policy = redacting;
    const params = { name: "send", arguments: {}, inputResponses };
    await rig.send({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
    assert.equal((await rig.events()).length, 1);
    assert.doesNotMatch(Buffer.from(rig.forwarded[0]?.body ?? []).toString(), /ada@/);
  }
});

test("trouble with an obligation refuses the call with one event, and its budget goes back", async (t) => {
  const rig = await createRig(t);
  rig.policy = {
    allow: true,
    get obligations(): never {
      throw new Error("broken");
    },
  };
  const { error } = (await rig.send(toolCall("send"))).json();
  assert.deepEqual([error?.code, error?.data.reason], [-32012, "policy.obligation"]);
  assert.deepEqual(rig.forwarded, []);
  assert.deepEqual([...rig.closed.values()], [["released"]]);
  assert.equal((await rig.events()).length, 1);
});
