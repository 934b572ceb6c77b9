// Callers whose MCP client can ask its user whether to go on waiting for a person. The question and its answer are ours: no tool server sees either.
import assert from "node:assert/strict";
import { test } from "node:test";
import { answerJson, jsonAnswer } from "./answers.fixture.ts";
import { createWaitingRig, until, type WaitingRig } from "./approvals/approvals.fixture.ts";
import { type MemoryExchange, toolCall } from "./exchange.fixture.ts";

const TRANSFER = toolCall("escalate", { amount: 5_000 }, 7);
const WAITING = async (rig: WaitingRig, count = 1) => until(() => rig.ports.approvals.room.size === count);
const messagesIn = ({ text }: MemoryExchange) =>
  [...text.matchAll(/^data: (.*)$/gm)].map(([, data = ""]) => JSON.parse(data));
const lastIn = (exchange: MemoryExchange) => messagesIn(exchange).at(-1);

// MCP 2026-07-28: the caller is asked to come back.
const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": { elicitation: {} },
};
const MODERN = {
  headers: {
    accept: "application/json, text/event-stream",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
    "mcp-name": "escalate",
  },
};
const modern = (more: object = {}, id: unknown = 7) => ({
  ...TRANSFER,
  id,
  params: { ...TRANSFER.params, _meta: META, ...more },
});
const STATE = "postern-approval:p-1";
const KEEP = { inputResponses: { "postern/approval": { action: "accept", content: {} } } };

test("a client of 2026-07-28 is asked to come back with its user's answer, which goes no further than here", async (t) => {
  const rig = await createWaitingRig(t, { approvalMode: "protocol" });
  const result = (await rig.send(modern(), MODERN)).json().result as {
    readonly resultType: string;
    readonly requestState: string;
    readonly inputRequests: Record<string, { method: string; params: object }>;
  };
  assert.deepEqual([result.resultType, result.requestState], ["input_required", STATE]);
  const asked = result.inputRequests["postern/approval"];
  assert.equal(asked?.method, "elicitation/create");
  assert.deepEqual(Object.keys(asked?.params ?? {}), ["mode", "message", "requestedSchema"]);

  const second = rig.begin(modern({ ...KEEP, requestState: STATE }, 8), MODERN);
  await WAITING(rig);
  await rig.pass(6_000);
  assert.deepEqual((await second.answered).json().result, result, "it is kept a little and asked again");

  const third = rig.begin(modern({ ...KEEP, requestState: STATE }, 9), MODERN);
  await WAITING(rig);
  rig.decide("p-1", "approved");
  assert.ok((await third.answered).json().result);
  assert.equal(rig.forwarded.length, 1);
  const sent = JSON.parse(Buffer.from(rig.forwarded[0]?.body ?? []).toString());
  assert.deepEqual(sent, modern({}, 9), "the tool server sees the call as it was first made");
  assert.equal(rig.queue.parked.length, 1);
  assert.deepEqual(
    (await rig.events()).map(({ decision, pending_id }) => [decision, pending_id]),
    [...Array(3).fill(["escalate", "p-1"]), ["allow", "p-1"]],
  );
});

test("a user who does not want to wait gives the call up, whatever was decided", async (t) => {
  for (const status of ["pending", "approved"] as const) {
    const rig = await createWaitingRig(t, { approvalMode: "protocol" });
    await rig.send(modern(), MODERN);
    if (status === "approved") rig.decide("p-1", "approved");
    const inputResponses = { "postern/approval": { action: "decline" } };
    const { error } = (await rig.send(modern({ inputResponses, requestState: STATE }), MODERN)).json();
    assert.deepEqual([error?.code, error?.data.status], [-32014, status]);
    assert.deepEqual(rig.forwarded, []);
  }
});

test("a state that was given to somebody else, or made up, opens nothing", async (t) => {
  const rig = await createWaitingRig(t, { approvalMode: "protocol" });
  await rig.send(modern(), MODERN);
  rig.decide("p-1", "approved");
  const foreign = await rig.send(modern({ requestState: STATE }), { ...MODERN, token: "mallory" });
  assert.deepEqual(foreign.json().error?.data.reason, "capability.state");
  const restarted = await createWaitingRig(t, { approvalMode: "protocol", queue: rig.queue });
  for (const [token, state] of [
    ["mallory", STATE],
    ["alice", "postern-approval:p-9"],
    ["alice", "postern-approval:../p-1"],
  ] as const) {
    const refused = await restarted.send(modern({ requestState: state }), { ...MODERN, token });
    assert.equal(refused.json().error?.data.reason, "policy.approval_unknown");
  }
  assert.deepEqual([...rig.forwarded, ...restarted.forwarded], []);
  assert.ok((await restarted.send(modern({ requestState: STATE }), MODERN)).json().result);
});

test("a state of ours never reaches a tool server, even when nobody has to approve the call any more", async (t) => {
  const rig = await createWaitingRig(t, { approvalMode: "protocol" });
  const headers = { ...MODERN.headers, "mcp-name": "echo" };
  const params = { ...modern({ ...KEEP, requestState: STATE }).params, name: "echo" };
  await rig.send({ ...modern(), params }, { headers });
  const sent = JSON.parse(Buffer.from(rig.forwarded[0]?.body ?? []).toString());
  assert.deepEqual(Object.keys(sent.params), ["name", "arguments", "_meta"]);
});

test("a prompt that was asked to come back is judged as it was at first", async (t) => {
  const rig = await createWaitingRig(t, { approvalMode: "protocol" });
  const headers = { ...MODERN.headers, "mcp-method": "prompts/get" };
  const prompt = (more: object) => ({
    ...{ jsonrpc: "2.0", id: 1, method: "prompts/get" },
    params: { name: "escalate", _meta: META, ...more },
  });
  await rig.send(prompt({}), { headers });
  rig.decide("p-1", "approved");
  assert.ok((await rig.send(prompt({ ...KEEP, requestState: STATE }), { headers })).json().result);
  const sent = JSON.parse(Buffer.from(rig.forwarded[0]?.body ?? []).toString());
  assert.deepEqual(sent, prompt({}));
});

// MCP 2025-06-18 and 2025-11-25: the user is asked on the stream.
const SESSION = { headers: { accept: "application/json, text/event-stream", "mcp-session-id": "s" } };
async function openSession(rig: WaitingRig, capabilities: object = { elicitation: {} }) {
  rig.answering = (request, signal) =>
    request.message?.kind === "request" && request.message.method === "initialize"
      ? jsonAnswer({ jsonrpc: "2.0", id: 0, result: {} }, 200, {
          "content-type": "application/json",
          "mcp-session-id": "s",
        })
      : answerJson(request, signal);
  await rig.send({ jsonrpc: "2.0", id: 0, method: "initialize", params: { capabilities } });
  rig.forwarded.length = 0;
}

test("a client of 2025 whose user can be asked is asked on its stream, and the answer goes no further than here", async (t) => {
  const rig = await createWaitingRig(t, { approvalMode: "protocol" });
  await openSession(rig);
  const { exchange, answered } = rig.begin(TRANSFER, SESSION);
  await WAITING(rig);
  const question = lastIn(exchange);
  assert.equal(question.method, "elicitation/create");
  assert.match(question.id, /^postern-approval:/);
  const answer = { jsonrpc: "2.0", id: question.id, result: { action: "accept", content: {} } };
  assert.equal((await rig.send(answer, SESSION)).status, 202);
  assert.equal(rig.ports.approvals.room.size, 1, "it goes on waiting");
  rig.decide("p-1", "approved");
  await answered;
  const [, withdrawn, result] = messagesIn(exchange);
  assert.deepEqual([withdrawn.method, withdrawn.params.requestId], ["notifications/cancelled", question.id]);
  assert.ok(result.result);
  assert.equal(rig.forwarded.length, 1);
});

test("a user who declines ends the wait, and nobody else can", async (t) => {
  const rig = await createWaitingRig(t, { approvalMode: "protocol" });
  await openSession(rig);
  const { exchange, answered } = rig.begin(TRANSFER, SESSION);
  await WAITING(rig);
  const { id } = lastIn(exchange);
  const answer = { jsonrpc: "2.0", id, result: { action: "decline" } };
  assert.equal((await rig.send(answer, { token: "mallory" })).status, 202);
  assert.equal((await rig.send({ ...answer, id: "postern-approval:guess" }, SESSION)).status, 202);
  assert.equal(rig.ports.approvals.room.size, 1);
  await rig.send(answer, SESSION);
  await answered;
  assert.equal(lastIn(exchange).error.code, -32014);
  assert.deepEqual(rig.forwarded, []);
});

test("a client that cannot be asked is kept on its stream, and one without a stream is told to come back", async (t) => {
  const rig = await createWaitingRig(t, { approvalMode: "protocol" });
  await openSession(rig, { elicitation: { url: {} } });
  const legacy = rig.begin(TRANSFER, SESSION);
  await WAITING(rig);
  assert.equal(legacy.exchange.text, ": waiting for approval\n\n");
  const _meta = { ...META, "io.modelcontextprotocol/clientCapabilities": {} };
  const incapable = rig.begin(modern({ _meta }), MODERN);
  await WAITING(rig, 2);
  assert.equal(incapable.exchange.text, ": waiting for approval\n\n");
  const answering = rig.begin(modern({ inputResponses: { theirs: {} }, requestState: "theirs" }), MODERN);
  await WAITING(rig, 3);
  assert.equal(answering.exchange.text, ": waiting for approval\n\n");
  assert.equal((await rig.send(toolCall("escalate", { amount: 5_000 }))).json().error?.code, -32014);
  rig.close();
  await Promise.all([legacy, incapable, answering].map(({ answered }) => answered));
});
