// Kill switches on the whole way of a message: calls, lists, streams and everything else, with the judge that the sidecar runs.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createMemoryLedger } from "@postern/budget/memory";
import { type Halt, reason } from "@postern/contracts";
import { createJudge } from "@postern/decision";
import { fixedClock, sequentialIds } from "@postern/testkit";
import { jsonAnswer } from "../answers.fixture.ts";
import { createMemoryExchange, toolCall } from "../exchange.fixture.ts";
import { capabilityOf, createRig } from "../pipeline.fixture.ts";
import { createBodyPipe } from "../upstream/body.ts";
import { createHaltTable } from "./halt-table.ts";
import { createVigil } from "./vigil.ts";

const POINTER = {
  ...{ revision: 1, digest: "d".repeat(64), kid: "k4.pid.test" },
  expires_at: "2027-01-01T00:00:00Z",
};
const HOLDERS = new Map([
  ["alice", capabilityOf()],
  ["mallory", capabilityOf({ agent: "mallory", jti: "jti-2", rootJti: "root-2" })],
]);

async function setup(t: TestContext) {
  const clock = fixedClock();
  const table = createHaltTable({ clock });
  const verified: string[] = [];
  const revoked = new Set<string>();
  let isStale = false;
  const ledger = createMemoryLedger({ clock, newId: sequentialIds("reservation") });
  const judge = createJudge({
    clock,
    capability: {
      verify(token) {
        verified.push(token);
        const capability = HOLDERS.get(token);
        return capability === undefined
          ? { ok: false, reason: reason("capability.signature") }
          : { ok: true, capability };
      },
    },
    revocations: { isRevoked: (jti) => revoked.has(jti) },
    halts: table,
    stale: () => (isStale ? reason("capability.stale") : undefined),
    intent: { resolve: () => assert.fail("no intent is declared") },
    policy: { evaluate: () => ({ ok: true, decision: { allow: true }, pointer: POINTER }) },
    budget: ledger,
    rules: {
      ...{ intentRequired: false, intentConfidenceMin: 0.5, stepUpMaxAgeMs: 300_000 },
      obligations: new Set(),
    },
  });
  const vigil = createVigil({ judge });
  const rig = await createRig(t, { judge, vigil });
  for (const [name, capability] of HOLDERS) rig.sessions.bind("default", `s-${name}`, capability);
  const take = (...halts: readonly Partial<Halt>[]) => {
    table.take({
      halts: halts.map((halt) => ({ id: "h", scope: "agent", value: "", reason: "why", ...halt })),
    });
    vigil.look();
  };
  return {
    ...{ rig, clock, verified, revoked, vigil, take },
    becomeStale() {
      isStale = true;
    },
  };
}

const list = { jsonrpc: "2.0", id: 1, method: "tools/list" };
const others = [
  list,
  { jsonrpc: "2.0", id: 1, method: "ping" },
  { jsonrpc: "2.0", id: 1, method: "initialize", params: {} },
  { jsonrpc: "2.0", id: 1, method: "resources/read", params: { uri: "a:1" } },
  { jsonrpc: "2.0", id: 1, method: "subscriptions/listen", params: {} },
];

test("while everybody is stopped every message of everybody is refused, and no token is looked at", async (t) => {
  for (const scope of ["global", "tenant"] as const) {
    const { rig, take, verified } = await setup(t);
    take({ scope, reason: "a leak" });
    for (const token of ["alice", "mallory", "forged", null]) {
      for (const message of [toolCall("read"), ...others]) {
        const { error } = (await rig.send(message, { token })).json();
        assert.deepEqual([error?.code, error?.data.reason], [-32010, "capability.halted"]);
        const whom = scope === "global" ? "everybody" : "this tenant";
        assert.equal(error?.message, `A kill switch is on for ${whom}: a leak`);
      }
      const inSession = { token, headers: { "mcp-session-id": "s-alice" } };
      for (const verb of ["GET", "DELETE"] as const)
        assert.equal((await rig.send(undefined, { ...inSession, verb })).status, 403);
      const notification = { jsonrpc: "2.0", method: "notifications/initialized" };
      assert.equal((await rig.send(notification, inSession)).status, 403);
    }
    assert.deepEqual([rig.forwarded, verified], [[], []]);
  }
});

test("an agent, a token and a subtree are stopped on every path, and other callers are not", async (t) => {
  for (const halt of [
    { scope: "agent", value: "alice" },
    { scope: "token", value: "jti-1" },
    { scope: "subtree", value: "root-1" },
  ] as const) {
    const { rig, take } = await setup(t);
    take(halt);
    for (const message of [toolCall("read"), ...others]) {
      const { error } = (await rig.send(message)).json();
      assert.equal(error?.data.reason, "capability.halted", `${halt.scope} ${message.method}`);
    }
    const headers = { "mcp-session-id": "s-alice" };
    assert.equal((await rig.send(undefined, { verb: "GET", headers })).status, 403);
    assert.deepEqual(rig.forwarded, []);
    assert.ok((await rig.send(toolCall("read"), { token: "mallory" })).json().result);
    const [event] = await rig.events();
    assert.deepEqual(
      [event?.decision, event?.check, event?.agent_id, event?.reasons, event?.tool],
      ["block", "capability", "alice", ["capability.halted"], "read"],
    );
    take();
    assert.ok((await rig.send(toolCall("read"))).json().result);
  }
});

test("a stopped tool is refused and hidden for every caller, and nothing else is", async (t) => {
  const { rig, take } = await setup(t);
  take({ scope: "tool", value: "pay_*" }, { scope: "tool", value: "prompts/get" });
  for (const token of ["alice", "mallory"]) {
    assert.equal(
      (await rig.send(toolCall("pay_all"), { token })).json().error?.data.reason,
      "capability.halted",
    );
    const prompt = { jsonrpc: "2.0", id: 1, method: "prompts/get", params: { name: "p" } };
    assert.equal((await rig.send(prompt, { token })).json().error?.data.reason, "capability.halted");
    assert.ok((await rig.send(toolCall("read"), { token })).json().result);
    rig.answering = () =>
      jsonAnswer({ jsonrpc: "2.0", id: 1, result: { tools: [{ name: "pay_all" }, { name: "read" }] } });
    assert.deepEqual((await rig.send(list, { token })).json().result, { tools: [{ name: "read" }] });
    rig.answering = () => jsonAnswer({ jsonrpc: "2.0", id: 1, result: {} });
  }
});

test("what was stopped for a time goes on afterwards, without a word from the control plane", async (t) => {
  const { rig, take, clock } = await setup(t);
  take({ scope: "agent", value: "alice", expires_at: new Date(clock.nowMs() + 5_000).toISOString() });
  assert.equal((await rig.send(toolCall("read"))).json().error?.code, -32010);
  clock.advance(5_000);
  assert.ok((await rig.send(toolCall("read"))).json().result);
});

/** A stream that stays open until one side ends it. */
function openStream(rig: Awaited<ReturnType<typeof setup>>["rig"], kind: "GET" | "listen") {
  const pipe = createBodyPipe({
    pause: () => {},
    resume: () => {},
    abort: () => void aborted.push("upstream"),
  });
  const aborted: string[] = [];
  rig.answering = () => ({ status: 200, headers: { "content-type": "text/event-stream" }, body: pipe.body });
  const exchange = createMemoryExchange();
  const over =
    kind === "GET"
      ? rig.send(undefined, { verb: "GET", headers: { "mcp-session-id": "s-alice" }, exchange })
      : rig.send({ jsonrpc: "2.0", id: 1, method: "subscriptions/listen", params: {} }, { exchange });
  return { pipe, aborted, exchange, over };
}

const isOpen = async (exchange: { state: string }) => {
  for (let turn = 0; turn < 100 && exchange.state === "waiting"; turn += 1)
    await new Promise((resolve) => setImmediate(resolve));
  assert.equal(exchange.state, "begun");
};

const news = (text: string) =>
  Buffer.from(
    `data: ${JSON.stringify({ jsonrpc: "2.0", method: "notifications/message", params: { text } })}\n\n`,
  );

for (const kind of ["GET", "listen"] as const) {
  test(`${kind}: an open stream of somebody who is stopped, revoked or out of time ends at once, though nothing is sent`, async (t) => {
    const endings: Record<string, (world: Awaited<ReturnType<typeof setup>>) => void> = {
      "agent stopped": ({ take }) => take({ scope: "agent", value: "alice" }),
      "everybody stopped": ({ take }) => take({ scope: "global" }),
      revoked: ({ revoked, vigil }) => {
        revoked.add("root-1");
        vigil.look();
      },
    };
    for (const [how, end] of Object.entries(endings)) {
      const world = await setup(t);
      const { exchange, over, pipe, aborted } = openStream(world.rig, kind);
      await isOpen(exchange);
      pipe.push(news("one"));
      world.take({ scope: "agent", value: "mallory" });
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(exchange.state, "begun", how);
      end(world);
      await over;
      assert.deepEqual([exchange.state, aborted], ["ended", ["upstream"]], how);
      assert.match(exchange.text, /"one"/);
      assert.equal(world.rig.ports.streams.total(), 0, "its place is free again");
    }
  });

  test(`${kind}: a stream of somebody stopped is ended before it begins, and one of a stale sidecar only when something is sent`, async (t) => {
    const stale = await setup(t);
    const quiet = openStream(stale.rig, kind);
    await isOpen(quiet.exchange);
    stale.becomeStale();
    stale.vigil.look();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(quiet.exchange.state, "begun");
    quiet.pipe.push(news("secret"));
    await quiet.over;
    assert.deepEqual([quiet.exchange.state, quiet.exchange.text], ["ended", ""]);

    const world = await setup(t);
    const slow = openStream(world.rig, kind);
    const answering = world.rig.answering;
    world.rig.answering = async (...asked) => {
      world.take({ scope: "agent", value: "alice" });
      return answering(...asked);
    };
    slow.pipe.push(news("secret"));
    await slow.over;
    assert.deepEqual([slow.exchange.state, slow.exchange.text], ["ended", ""]);
  });
}
