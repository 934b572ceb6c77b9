// The pipeline's promise, whatever breaks: a call that was judged ends as exactly one event, what was not recorded was not forwarded, and every
// reservation is closed exactly once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@postern/fault";
import fc from "fast-check";
import { type Answering, answerJson, jsonAnswer, sseAnswer } from "./answers.fixture.ts";
import { createMemoryExchange, toolCall } from "./exchange.fixture.ts";
import { createRig } from "./pipeline.fixture.ts";
import type { PipelinePorts } from "./pipeline.ts";
import { upstreamFault } from "./upstream/upstream.ts";

const note = { jsonrpc: "2.0", method: "notifications/message", params: {} };
const answer = { jsonrpc: "2.0", id: 1, result: {} };
const reset = upstreamFault("upstream.unavailable", "reset", { sent: true });

const ANSWERS: Readonly<Record<string, Answering>> = {
  json: answerJson,
  stream: () => sseAnswer([note, answer]),
  "stream that breaks": () => sseAnswer([note, reset]),
  "stream that breaks after the answer": () => sseAnswer([answer, reset]),
  "stream without an answer": () => sseAnswer([note]),
  "stream of nothing": () => sseAnswer([]),
  "error status": () => jsonAnswer({}, 503),
  "foreign answer": () => jsonAnswer({ jsonrpc: "2.0", id: 2, result: {} }),
  unreachable: () => {
    throw upstreamFault("upstream.unavailable", "refused", { sent: false });
  },
  "reset before the answer": () => {
    throw reset;
  },
  "a bug": () => {
    throw new TypeError("bug");
  },
};

/** What can go wrong beside the upstream. */
const FAULTS = [
  "none",
  "journal full",
  "budget throws",
  "stale",
  "caller left before",
  "caller leaves",
] as const;

const scenario = fc.record({
  token: fc.constantFrom("alice", "bad", null),
  tool: fc.constantFrom("echo", "deny:capability", "deny:budget", "escalate"),
  id: fc.constantFrom(1, null),
  answering: fc.constantFrom(...Object.keys(ANSWERS)),
  fault: fc.constantFrom(...FAULTS),
  door: fc.constantFrom("mcp" as const, "tool-call" as const),
});

test("exactly one event per judged call, whatever fails", async (t) => {
  await fc.assert(
    fc.asyncProperty(scenario, async ({ token, tool, id, answering, fault, door }) => {
      const rig = await createRig(t);
      rig.answering = ANSWERS[answering] ?? answerJson;
      sabotage(rig.ports, fault);
      const exchange = createMemoryExchange(fault === "caller leaves" ? { leaveAfter: 1 } : {});
      if (fault === "caller left before") exchange.leave();
      await rig.send(toolCall(tool, { a: 1 }, id), { token, exchange, door });

      const events = await rig.events();
      const wasJudged = door === "mcp" || id !== null;
      assert.equal(events.length, wasJudged && fault !== "journal full" ? 1 : 0);
      const isAllowed = events[0]?.decision === "allow";
      for (const event of events) assert.equal(event.outcomes, isAllowed ? 1 : 0);
      if (!isAllowed || fault === "stale") assert.deepEqual(rig.forwarded, []);
      for (const reservation of rig.reserved) {
        assert.equal(rig.closed.get(reservation.id)?.length, 1, "a reservation is closed once");
      }
      assert.equal(exchange.answers, 1, "the caller gets one answer");
      assert.notEqual(exchange.state, "waiting");
    }),
    { numRuns: 300 },
  );
});

const MESSAGES = {
  resource: { jsonrpc: "2.0", id: 1, method: "resources/read", params: { uri: "file:///a" } },
  stream: { jsonrpc: "2.0", id: 1, method: "subscriptions/listen", params: {} },
  notification: { jsonrpc: "2.0", method: "resources/touch", params: { uri: "file:///a" } },
  prompt: { jsonrpc: "2.0", id: 1, method: "prompts/get", params: { name: "deny:policy" } },
} as const;

const otherMessage = fc.record({
  token: fc.constantFrom("alice", "bad", null),
  message: fc.constantFrom(...(Object.keys(MESSAGES) as (keyof typeof MESSAGES)[])),
  answering: fc.constantFrom(...Object.keys(ANSWERS)),
  fault: fc.constantFrom(...FAULTS),
});

test("exactly one event per message that asks for something beside tools, whatever fails", async (t) => {
  await fc.assert(
    fc.asyncProperty(otherMessage, async ({ token, message, answering, fault }) => {
      const rig = await createRig(t, { allowMethods: ["resources/*"], streamsPerRootMax: 1 });
      rig.answering = ANSWERS[answering] ?? answerJson;
      sabotage(rig.ports, fault);
      const exchange = createMemoryExchange(fault === "caller leaves" ? { leaveAfter: 1 } : {});
      if (fault === "caller left before") exchange.leave();
      await rig.send(MESSAGES[message], { token, exchange });

      const events = await rig.events();
      assert.equal(events.length, fault === "journal full" ? 0 : 1);
      const isAllowed = events[0]?.decision === "allow";
      assert.equal(isAllowed, fault !== "journal full" && token === "alice" && message !== "prompt");
      for (const event of events) assert.equal(event.outcomes, isAllowed ? 1 : 0);
      if (!isAllowed || fault === "stale") assert.deepEqual(rig.forwarded, []);
      assert.equal(exchange.answers, 1, "the caller gets one answer");
      assert.equal(rig.ports.streams.of("acme\nalice\nroot-1"), 0, "no place is kept");
    }),
    { numRuns: 150 },
  );
});

function sabotage(ports: PipelinePorts, fault: (typeof FAULTS)[number]): void {
  const { budget, journal } = ports;
  const changes: Partial<Record<(typeof FAULTS)[number], object>> = {
    "journal full": {
      journal: {
        ...journal,
        append: async () => {
          throw new Fault("unavailable", "audit.spool_full", "full");
        },
      },
    },
    "budget throws": {
      budget: {
        settle: async (...given: Parameters<PipelinePorts["budget"]["settle"]>) => {
          await budget.settle(...given);
          throw new Error("ledger");
        },
        release: budget.release,
      },
    },
    stale: { stale: () => ({ code: "capability.stale", detail: "stale" }) },
  };
  Object.assign(ports, changes[fault]);
}
