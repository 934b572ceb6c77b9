import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuditEvent } from "@postern/contracts";
import { sampleEvent } from "./event.fixture.ts";
import { summarise } from "./summary.ts";

const fromMs = Date.parse("2026-01-31T09:00:00Z");
const window = { fromMs, toMs: fromMs + 600_000, bucketMs: 300_000 };
const allowed: Partial<AuditEvent> = { decision: "allow", check: "", reason: "", reasons: [] };

test("tool calls are counted by decision, refusals by check, reason, tool and agent, acts by name", () => {
  const summary = summarise(
    [
      sampleEvent(allowed),
      sampleEvent(),
      sampleEvent({ tool: "<b>" }),
      sampleEvent({
        decision: "escalate",
        reasons: ["policy.escalated"],
        tool: "transfer",
        agent_id: "agent-y",
      }),
      sampleEvent({ check: "budget", reasons: ["budget.calls"] }),
      sampleEvent({ ...allowed, event: "intentgate.admin", tool: "admin/mint" }),
    ],
    window,
  );
  assert.equal(summary.calls, 5);
  assert.deepEqual(
    summary.decisions.map(({ count }) => count),
    [1, 3, 1],
  );
  assert.deepEqual(summary.checks, [
    { name: "policy", count: 3 },
    { name: "budget", count: 1 },
  ]);
  assert.deepEqual(
    summary.reasons.map(({ name }) => name),
    ["policy.denied", "budget.calls", "policy.escalated"],
  );
  assert.deepEqual(summary.tools[0], { name: "drop_table", count: 2 });
  assert.deepEqual(summary.agents, [
    { name: "agent-x", count: 3 },
    { name: "agent-y", count: 1 },
  ]);
  assert.deepEqual(summary.acts, [{ name: "admin/mint", count: 1 }]);
});

test("a call falls into the stretch of time that holds it, and outside of the window into none", () => {
  const at = (ts: string) => sampleEvent({ ts });
  const { buckets } = summarise(
    [
      at("2026-01-31T08:59:59.999Z"),
      at("2026-01-31T09:00:00Z"),
      at("2026-01-31T09:04:59.999Z"),
      at("2026-01-31T09:05:00Z"),
      at("2026-01-31T09:10:00Z"),
      at("never"),
    ],
    window,
  );
  assert.deepEqual(
    buckets.map(({ counts }) => counts.block),
    [2, 1],
  );
});

test("names that objects have by themselves are counted like others", () => {
  const { tools } = summarise(
    [sampleEvent({ tool: "__proto__" }), sampleEvent({ tool: "constructor" })],
    window,
  );
  assert.deepEqual(
    tools.map(({ name }) => name),
    ["__proto__", "constructor"],
  );
});
