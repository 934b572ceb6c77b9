import assert from "node:assert/strict";
import { test } from "node:test";
import { buildEvent } from "@postern/audit";
import type { AuditEvent, ReasonCode, SpoolBody } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { createMetrics, silentLogger } from "@postern/telemetry";
import { fixedClock, sequentialIds } from "@postern/testkit";
import { createStrangerLog, STRANGERS_BURST, STRANGERS_PER_SECOND } from "./stranger-log.ts";

const MIB = 1_048_576;

const described = (): AuditEvent =>
  buildEvent({
    ts: "2026-01-01T00:00:00.000Z",
    event: "intentgate.tool_call",
    decision: "block",
    tenant: "acme",
    tool: "echo",
    event_id: "e",
    outcome: "none",
  });

function createRig() {
  const written: AuditEvent[] = [];
  const spool = { bytes: 0, bytesMax: 100 * MIB, failure: undefined as Fault | undefined };
  const clock = fixedClock();
  let intervalOver = Promise.withResolvers<void>();
  let waits = 0;
  const metrics = createMetrics(["strangersRefused"]);
  const log = createStrangerLog({
    journal: {
      speaker: { tenant: "acme", sidecarId: "s", epoch: 3 },
      async append(body: SpoolBody) {
        if (spool.failure !== undefined) throw spool.failure;
        if (body.kind !== "event") throw new TypeError("a refusal is complete by itself");
        written.push(body.event);
        return { sequence: written.length };
      },
    },
    spool: {
      usage: () => ({ ...spool, level: "ok", oldestEpoch: 3, records: written.length }),
    },
    clock,
    newId: sequentialIds("summary"),
    async sleep(_ms, signal) {
      waits += 1;
      const aborted = new Promise((resolve) => signal?.addEventListener("abort", resolve));
      if (!signal?.aborted) await Promise.race([intervalOver.promise, aborted]);
    },
    metrics,
    log: silentLogger,
  });
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return {
    log,
    written,
    spool,
    clock,
    metrics,
    waits: () => waits,
    async tell(count: number, code: ReasonCode = "capability.signature") {
      let told = 0;
      for (let at = 0; at < count; at += 1) if (await log.tell(code, described)) told += 1;
      return told;
    },
    async passInterval() {
      const over = intervalOver;
      intervalOver = Promise.withResolvers<void>();
      over.resolve();
      await settled();
    },
  };
}

test("few refusals are events of their own; a flood becomes one summary that says how many and why", async () => {
  const rig = createRig();
  assert.equal(await rig.tell(STRANGERS_BURST), STRANGERS_BURST);
  assert.equal(await rig.tell(5_000), 0);
  assert.equal(await rig.tell(17, "capability.missing"), 0);
  assert.equal(rig.written.length, STRANGERS_BURST);
  rig.clock.advance(60_000);
  await rig.passInterval();
  const summary = rig.written.at(-1);
  assert.equal(rig.written.length, STRANGERS_BURST + 1);
  assert.deepEqual(
    [summary?.event, summary?.decision, summary?.event_id, summary?.sidecar_epoch],
    ["intentgate.refusals", "block", "summary-1", 3],
  );
  assert.deepEqual(summary?.reasons, ["capability.signature", "capability.missing"]);
  assert.match(summary?.reason ?? "", /: 5000 × capability\.signature, 17 × capability\.missing\.$/);
  assert.match(summary?.reason ?? "", /since 2026-01-01T00:00:00\.000Z /);
});

test("a summary is written per interval, and none where nothing was counted", async () => {
  const rig = createRig();
  await rig.tell(STRANGERS_BURST + 1);
  await rig.passInterval();
  assert.equal(rig.written.length, STRANGERS_BURST + 1);
  assert.equal(rig.waits(), 1);
  await rig.passInterval();
  assert.equal(rig.written.length, STRANGERS_BURST + 1);
  await rig.tell(2);
  await rig.passInterval();
  assert.match(rig.written.at(-1)?.reason ?? "", /: 2 × /);
});

test("with time, refusals are recorded one by one again, at a small rate", async () => {
  const rig = createRig();
  await rig.tell(STRANGERS_BURST);
  rig.clock.advance(1_000);
  assert.equal(await rig.tell(100), STRANGERS_PER_SECOND);
  rig.clock.advance(3_600_000);
  assert.equal(await rig.tell(1_000), STRANGERS_BURST);
});

test("beyond a quarter of the spool nothing of strangers is written, and it is told once there is room", async () => {
  const rig = createRig();
  rig.spool.bytes = 25 * MIB;
  assert.equal(await rig.tell(3), 0);
  await rig.passInterval();
  assert.equal(rig.written.length, 0);
  const { body } = await rig.metrics.expose();
  assert.match(body, /postern_strangers_refused_total\{reason="capability\.signature",told="count"\} 3/);
  rig.spool.bytes = 0;
  await rig.passInterval();
  assert.match(rig.written[0]?.reason ?? "", /: 3 × /);
});

test("what cannot be written is counted and told later, with everything since", async () => {
  const rig = createRig();
  rig.spool.failure = new Fault("unavailable", "audit.spool_full", "full");
  assert.equal(await rig.tell(2), 0);
  rig.clock.advance(60_000);
  await rig.passInterval();
  await rig.tell(1);
  rig.spool.failure = undefined;
  await rig.passInterval();
  assert.match(rig.written[0]?.reason ?? "", /since 2026-01-01T00:00:00\.000Z .*: 3 × /);
});

test("a close tells what was only counted", async () => {
  const rig = createRig();
  await rig.tell(STRANGERS_BURST + 4);
  await rig.log.close();
  assert.match(rig.written.at(-1)?.reason ?? "", /: 4 × /);
  const idle = createRig();
  await idle.log.close();
  assert.equal(idle.written.length, 0);
});
