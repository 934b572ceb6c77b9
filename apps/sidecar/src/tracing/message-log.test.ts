import assert from "node:assert/strict";
import { test } from "node:test";
import { upstreamFault } from "../upstream/upstream.ts";
import { denial, forwardable } from "./memory-tracer.fixture.ts";
import type { Ending } from "./observed.ts";
import { watch } from "./observer.fixture.ts";

const answered: Ending = { status: "answered" };

test("refusals are told at info, trouble at warn or error, and answers at debug only", () => {
  const { observer, lines, clock } = watch({ isTraced: false });
  const stage = forwardable({ startedMs: clock.monotonicMs() });
  clock.advance(12.3456);
  observer.ended(stage, answered);
  assert.equal(lines.length, 0);
  observer.ended(stage, { status: "refused", refused: denial() });
  observer.ended(stage, { status: "broken", caught: new TypeError("a bug") });
  observer.ended(stage, {
    status: "broken",
    caught: upstreamFault("upstream.protocol", "gone", { sent: true, detail: "ECONNRESET" }),
  });
  assert.deepEqual(
    lines.map(({ level }) => level),
    ["info", "error", "warn"],
  );
  const { time: _, pid: __, name: ___, ...fields } = lines[0] ?? {};
  assert.deepEqual(fields, {
    level: "info",
    msg: "message refused",
    status: "refused",
    request_id: "req-1",
    event_id: "event-1",
    decision: "allow",
    tenant: "acme",
    agent: "alice",
    remote_ip: "192.0.2.7",
    upstream: "files",
    method: "tools/call",
    tool: "read",
    check: "policy",
    reason: "policy.denied",
    latency_ms: 12.346,
  });
  assert.equal(lines[2]?.detail, "ECONNRESET");
  const verbose = watch({ isVerbose: true });
  verbose.observer.ended(stage, answered);
  assert.deepEqual([verbose.lines[0]?.level, verbose.lines[0]?.msg], ["debug", "message answered"]);
});

test("every message is counted, by a method of a closed set, and timed unless it stays open", async () => {
  const { observer, metrics, clock } = watch();
  const stage = forwardable({ startedMs: clock.monotonicMs() });
  clock.advance(3);
  observer.ended(stage, answered);
  observer.ended({ ...stage, method: "x".repeat(100) }, { status: "refused", refused: denial() });
  observer.ended({ ...stage, verb: "GET", method: "" }, answered);
  const { body: text } = await metrics.expose();
  assert.match(text, /postern_requests_total\{method="tools\/call",status="answered"\} 1/);
  assert.match(text, /postern_requests_total\{method="other",status="refused"\} 1/);
  assert.match(text, /postern_requests_total\{method="GET",status="answered"\} 1/);
  assert.match(text, /postern_message_duration_seconds_bucket\{le="0\.005",status="answered"\} 1/);
  assert.match(text, /postern_message_duration_seconds_count\{status="answered"\} 1/);
});

test("what obligations did is counted, under classes that no policy can make more of", async () => {
  const { observer, metrics } = watch();
  const found = { direction: "response", type: "pii_filter", action: "redact", count: 3 } as const;
  const applied = ["email", "our-own-7d1f", "path"].map((known) => ({ ...found, class: known }));
  observer.ended(forwardable({ applied }), answered);
  const blocked = [{ ...found, class: "email", action: "block", count: 1 }] as const;
  observer.ended(forwardable({ applied }), { status: "refused", refused: denial({ applied: blocked }) });
  const { body } = await metrics.expose();
  const told = [
    ...body.matchAll(
      /obligations_applied_total\{type="pii_filter",class="(\w+)",direction="response",action="(\w+)"\} (\d)/g,
    ),
  ];
  assert.deepEqual(
    told.map(([, ...values]) => values),
    [
      ["email", "redact", "3"],
      ["custom", "redact", "3"],
      ["path", "redact", "3"],
      ["email", "block", "1"],
    ],
  );
});

test("a flood of refusals or of trouble is told in few lines, each kind by itself", async () => {
  const { observer, lines, metrics, clock } = watch({ isTraced: false });
  const caught = upstreamFault("upstream.unavailable", "down", { sent: false });
  for (let n = 0; n < 300; n += 1) {
    observer.ended(forwardable(), { status: "refused", refused: denial() });
    observer.ended(forwardable(), { status: "broken", caught });
  }
  const count = (level: string) => lines.filter((line) => line.level === level).length;
  assert.deepEqual([count("info"), count("warn")], [200, 200]);
  assert.match((await metrics.expose()).body, /postern_log_lines_held_back_total\{kind="refusal"\} 100/);
  clock.advance(50);
  observer.ended(forwardable(), { status: "refused", refused: denial() });
  assert.equal(lines.at(-1)?.held_back, 100);
  clock.advance(50);
  observer.ended(forwardable(), { status: "refused", refused: denial() });
  assert.equal(lines.at(-1)?.held_back, undefined);
});

test("a caller's text is a string of its line and no more", () => {
  const { observer, lines } = watch({ isTraced: false });
  const tool = `x","level":"error"}\n{"level":"fatal"}${"y".repeat(10_000)}`;
  observer.ended(forwardable({ tool }), { status: "refused", refused: denial() });
  assert.equal(lines.length, 1);
  assert.equal(lines[0]?.level, "info");
  assert.equal(lines[0]?.tool, tool.slice(0, 256));
});
