// Callers that are kept waiting for a person, on a stream that shows signs of life or in silence. However
// it ends, the call runs once at most, and only while somebody waits for it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { reason } from "@postern/contracts";
import { jsonAnswer, sseAnswer } from "./answers.fixture.ts";
import { createWaitingRig, turns, until, type WaitingRig } from "./approvals/approvals.fixture.ts";
import { type MemoryExchange, toolCall } from "./exchange.fixture.ts";
import { capabilityOf } from "./pipeline.fixture.ts";

const TRANSFER = toolCall("escalate", { amount: 5_000 }, 7);
const STREAMING = { headers: { accept: "application/json, text/event-stream" } };
const WAITING = async (rig: WaitingRig, count = 1) => until(() => rig.ports.approvals.room.size === count);
const messagesIn = ({ text }: MemoryExchange) =>
  [...text.matchAll(/^data: (.*)$/gm)].map(([, data = ""]) => JSON.parse(data));
const lastIn = (exchange: MemoryExchange) => messagesIn(exchange).at(-1);
const summary = async (rig: WaitingRig) =>
  (await rig.events()).map(({ decision, pending_id, decided_by, outcome }) => [
    ...[decision, pending_id, decided_by, outcome],
  ]);
const PARKED = ["escalate", "p-1", "", "none"];
const RAN = ["allow", "p-1", "operator:eve", "executed"];

test("a client that takes JSON alone waits in silence and gets the answer", async (t) => {
  const rig = await createWaitingRig(t, { approvalMode: "block" });
  const { exchange, answered } = rig.begin(TRANSFER);
  await WAITING(rig);
  await rig.pass(60_000);
  assert.equal(exchange.state, "waiting");
  assert.deepEqual(await summary(rig), [PARKED], "the wait is on record while it lasts");
  rig.decide("p-1", "approved");
  assert.ok((await answered).json().result);
  assert.deepEqual(await summary(rig), [PARKED, RAN]);
  const [first, second] = await rig.events();
  assert.notEqual(first?.event_id, second?.event_id);
  assert.deepEqual(rig.queue.taken, [second?.event_id]);
  assert.equal(second?.ts, "2026-01-01T00:01:00.000Z");
  assert.deepEqual(rig.queue.asked, ["park", "claim"], "nobody asked in between");
});

test("a client that takes a stream sees signs of life, and the answer in the stream", async (t) => {
  const rig = await createWaitingRig(t, { approvalMode: "block" });
  const { exchange, answered } = rig.begin(TRANSFER, STREAMING);
  await WAITING(rig);
  assert.deepEqual([exchange.status, exchange.headers["content-type"]], [200, "text/event-stream"]);
  await rig.pass(35_000);
  assert.equal(exchange.text, ": waiting for approval\n\n".repeat(4));
  rig.decide("p-1", "approved");
  await answered;
  assert.equal(exchange.answers, 1);
  assert.deepEqual(lastIn(exchange).id, 7);
  assert.ok(lastIn(exchange).result);
});

test("a client that asks for progress gets some, growing towards what the tool server may report", async (t) => {
  const rig = await createWaitingRig(t, { approvalMode: "block" });
  const message = { ...TRANSFER, params: { ...TRANSFER.params, _meta: { progressToken: "mine" } } };
  const step = {
    jsonrpc: "2.0",
    method: "notifications/progress",
    params: { progressToken: "mine", progress: 0 },
  };
  rig.answering = () => sseAnswer([step, { jsonrpc: "2.0", id: 7, result: {} }]);
  const { exchange, answered } = rig.begin(message, STREAMING);
  await WAITING(rig);
  await rig.pass(25_000);
  rig.decide("p-1", "approved");
  await answered;
  const sent = messagesIn(exchange);
  const steps = sent.slice(0, -1).map(({ params }) => params);
  assert.deepEqual(
    steps.map(({ progress }) => progress),
    [-1, -1 / 2, -1 / 3, 0],
  );
  assert.ok(steps.slice(0, 3).every(({ progressToken, message: why }) => progressToken === "mine" && why));
  assert.deepEqual(sent.at(-1), { jsonrpc: "2.0", id: 7, result: {} });
});

test("trouble with the tool server is told in the stream that is open already", async (t) => {
  const rig = await createWaitingRig(t, { approvalMode: "block" });
  rig.answering = () => jsonAnswer({ jsonrpc: "2.0", id: 7, result: {} }, 500);
  const { exchange, answered } = rig.begin(TRANSFER, STREAMING);
  await WAITING(rig);
  rig.decide("p-1", "approved");
  await answered;
  assert.deepEqual([exchange.state, lastIn(exchange).error.code], ["ended", -32018]);
});

test("a rejection ends the wait, with the reviewer's words and an event of its own", async (t) => {
  const rig = await createWaitingRig(t, { approvalMode: "block" });
  const { exchange, answered } = rig.begin(TRANSFER, STREAMING);
  await WAITING(rig);
  rig.decide("p-1", "rejected", "Not to this account.");
  await answered;
  const { error } = lastIn(exchange);
  assert.deepEqual(
    [error.code, error.message, error.data.reason],
    [-32012, "Not to this account.", "policy.rejected"],
  );
  assert.deepEqual(await summary(rig), [PARKED, ["block", "p-1", "operator:eve", "none"]]);
  assert.deepEqual(rig.forwarded, []);
});

test("after the longest wait the caller is told to come back, and can", async (t) => {
  const rig = await createWaitingRig(t, { approvalMode: "block", approvalWaitMs: 20_000 });
  const { exchange, answered } = rig.begin(TRANSFER, STREAMING);
  await WAITING(rig);
  await rig.pass(21_000);
  await answered;
  const { error } = lastIn(exchange);
  const [event] = await rig.events();
  assert.deepEqual(
    [error.code, error.data.pending_id, error.data.event_id],
    [-32014, "p-1", event?.event_id],
  );
  assert.deepEqual(await summary(rig), [PARKED], "one judgement, one event");
  rig.decide("p-1", "approved");
  const again = rig.begin(TRANSFER);
  assert.ok((await again.answered).json().result);
});

const ENDINGS: Record<string, (rig: WaitingRig, exchange: MemoryExchange) => unknown> = {
  "its caller leaves": (_, exchange) => exchange.leave(),
  "its caller cancels it": (rig) =>
    rig.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 7 } }),
  "the sidecar ends": (rig) => rig.close(),
};
for (const [what, end] of Object.entries(ENDINGS)) {
  test(`a call is held no longer when ${what}: it stays parked, and does not run`, async (t) => {
    const rig = await createWaitingRig(t, { approvalMode: "block" });
    const { exchange, answered } = rig.begin(TRANSFER);
    await WAITING(rig);
    const word = await end(rig, exchange);
    if (word !== undefined) assert.equal((word as MemoryExchange).status, 202);
    assert.deepEqual((await answered).json().error?.code, -32014);
    rig.decide("p-1", "approved");
    await turns();
    assert.deepEqual(rig.forwarded, []);
    assert.deepEqual(await summary(rig), [PARKED]);
    assert.equal(rig.queue.decide("p-1", "approved").status, "approved");
  });
}

test("somebody else's cancellation ends no wait", async (t) => {
  const rig = await createWaitingRig(t, { approvalMode: "block" });
  const { answered } = rig.begin(TRANSFER);
  await WAITING(rig);
  const cancelled = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 7 } };
  await rig.send(cancelled, { token: "mallory" });
  await rig.send({ ...cancelled, params: { requestId: "7" } });
  assert.equal(rig.ports.approvals.room.size, 1);
  rig.decide("p-1", "approved");
  assert.ok((await answered).json().result);
});

test("a caller that leaves between the decision and the claim leaves its approval untaken", async (t) => {
  const rig = await createWaitingRig(t);
  const { judge } = rig.ports;
  await rig.send(TRANSFER);
  rig.decide("p-1", "approved");
  const { exchange, answered } = rig.begin(TRANSFER);
  Object.assign(rig.ports, {
    judge: {
      ...judge,
      decide: (...asked: Parameters<typeof judge.decide>) => {
        if (asked[0].approval !== undefined) exchange.leave();
        return judge.decide(...asked);
      },
    },
  });
  await answered;
  assert.deepEqual(rig.queue.taken, []);
  assert.deepEqual([...rig.closed.values()], [["released"]]);
  assert.deepEqual(rig.forwarded, []);
});

test("of approve and revoke the call hears both: approved, and refused for the token as it is now", async (t) => {
  const rig = await createWaitingRig(t, { approvalMode: "block" });
  const { judge } = rig.ports;
  const { answered } = rig.begin(TRANSFER);
  await WAITING(rig);
  Object.assign(rig.ports, {
    judge: {
      ...judge,
      decide: () => ({
        ...{ outcome: "deny", check: "capability", code: -32010 },
        ...{ reasons: [reason("capability.halted")], capability: capabilityOf(), timingsMs: {} },
      }),
    },
  });
  rig.decide("p-1", "approved");
  const { error } = (await answered).json();
  assert.deepEqual([error?.code, error?.data.reason], [-32010, "capability.halted"]);
  assert.deepEqual(rig.queue.taken, []);
  assert.deepEqual(await summary(rig), [PARKED, ["block", "p-1", "operator:eve", "none"]]);
});

test("a policy that changed during the wait finds no approval, and the call waits anew", async (t) => {
  const rig = await createWaitingRig(t, { approvalMode: "block" });
  const { judge } = rig.ports;
  const { answered } = rig.begin(TRANSFER);
  await WAITING(rig);
  Object.assign(rig.ports, {
    judge: {
      ...judge,
      async decide(...asked: Parameters<typeof judge.decide>) {
        const decision = await judge.decide(...asked);
        return { ...decision, pointer: { ...decision.pointer, digest: "e".repeat(64) } };
      },
    },
  });
  rig.decide("p-1", "approved");
  await until(() => rig.queue.parked.length === 2);
  await WAITING(rig);
  assert.deepEqual([...rig.closed.values()], [["released"]]);
  assert.deepEqual(rig.queue.taken, []);
  rig.decide("p-2", "approved");
  assert.ok((await answered).json().result);
  assert.equal(rig.forwarded.length, 1);
  assert.equal(rig.queue.taken.length, 1);
});

test("while the sync stream is silent the queue is asked now and then, and hears of a decision", async (t) => {
  const rig = await createWaitingRig(t, { approvalMode: "block" });
  const { answered } = rig.begin(TRANSFER);
  await WAITING(rig);
  rig.isHearing = false;
  rig.decide("p-1", "approved");
  await rig.pass(6_000);
  assert.ok((await answered).json().result);
  assert.deepEqual(rig.queue.asked, ["park", "ask", "claim"]);
});

test("a call whose time is over is told so, whether or not anybody said it", async (t) => {
  const rig = await createWaitingRig(t, { approvalMode: "block", pendingMs: 10_000 });
  const { answered } = rig.begin(TRANSFER);
  await WAITING(rig);
  await rig.pass(16_000);
  assert.equal((await answered).json().error?.data.reason, "policy.approval_expired");
});

test("a thousand held calls cost one timer, and each runs once", async (t) => {
  const rig = await createWaitingRig(t, { approvalMode: "block" });
  const calls = Array.from({ length: 1_000 }, (_, at) => rig.begin(toolCall("escalate", { at }, at)));
  await WAITING(rig, 1_000);
  const before = rig.sleeps();
  await rig.pass(60_000);
  assert.equal(rig.sleeps() - before, 60);
  assert.equal(rig.queue.asked.length, 1_000, "and no questions");
  for (let at = 1; at <= 1_000; at += 1) rig.decide(`p-${at}`, "approved");
  const answers = await Promise.all(calls.map(({ answered }) => answered));
  assert.ok(answers.every((exchange) => exchange.json().result !== undefined));
  assert.equal(rig.forwarded.length, 1_000);
});

test("one agent holds so many calls at once, and is told to come back for more", async (t) => {
  const rig = await createWaitingRig(t, { approvalMode: "block" });
  for (let at = 0; at < 1_024; at += 1) rig.begin(toolCall("escalate", { at }, at));
  await WAITING(rig, 1_024);
  assert.equal((await rig.send(TRANSFER)).json().error?.code, -32014);
  const { answered } = rig.begin(TRANSFER, { token: "mallory" });
  await WAITING(rig, 1_025);
  rig.close();
  await answered;
});
