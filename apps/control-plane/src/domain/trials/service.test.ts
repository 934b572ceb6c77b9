// The bounds of a dry run: time, history and a caller who leaves, each of them told.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "@postern/fault";
import type { Work } from "../unit.ts";
import { createTrials, JUDGING_MS_MAX } from "./service.ts";
import { ALLOW_ALL, callEvent, trialPlane } from "./trials.fixture.ts";

const nowhere = {
  since: undefined,
  until: undefined,
  tool: undefined,
  agentId: undefined,
  eventId: undefined,
};

async function setup(
  t: Parameters<typeof trialPlane>[0],
  options: { clock?: Clock; page?: readonly string[] } = {},
) {
  const plane = await trialPlane(t, "embedded");
  if (plane === undefined) return undefined;
  const { nouns, units, actor, parts } = plane;
  const events = (options.page ?? []).map((id, index) => ({
    ...callEvent({ event_id: id, ...(id.startsWith("other") && { tool: "" }) }),
    position: index,
  }));
  const trials = createTrials({
    ...nouns,
    ...(options.page !== undefined && { audit: { replay: async () => events } }),
    compile: parts.compile,
    clock: options.clock ?? plane.clock,
  });
  const work: Work = { read: units.read, commit: (run) => units.commit(actor, run) };
  const run = (signal = new AbortController().signal) =>
    trials.dryRun(work, {
      tenant: "acme",
      regoSource: ALLOW_ALL,
      about: { selection: { limit: 10_000, ...nowhere } },
      shownMax: 10,
      told: {},
      signal,
    });
  return { plane, run };
}

test("a dry run ends when its time is up, and says so beside what it found", async (t) => {
  let monotonicMs = 0;
  const clock = {
    nowMs: () => Date.UTC(2026, 0, 1),
    monotonicMs() {
      monotonicMs += JUDGING_MS_MAX / 8;
      return monotonicMs;
    },
  };
  const { plane, run } = (await setup(t, { clock })) ?? {};
  if (plane === undefined || run === undefined) return;
  await plane.tell(Array.from({ length: 40 }, () => ({})));
  const { interruption, summary } = await run();
  assert.equal(interruption, "time");
  assert.ok(summary.evaluated > 0 && summary.evaluated < 40, String(summary.evaluated));
});

test("a dry run looks through so much history and no more", async (t) => {
  const page = Array.from({ length: 500 }, (_, index) => `${index < 2 ? "call" : "other"}-${index}`);
  const { run } = (await setup(t, { page })) ?? {};
  if (run === undefined) return;
  const { interruption, summary } = await run();
  assert.deepEqual([interruption, summary.evaluated], ["history", 200]);
});

test("a dry run ends with its caller", async (t) => {
  const { plane, run } = (await setup(t)) ?? {};
  if (plane === undefined || run === undefined) return;
  await plane.tell([{}, {}]);
  const { interruption, summary } = await run(AbortSignal.abort());
  assert.deepEqual([interruption, summary.evaluated], ["caller", 0]);
});
