import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "@postern/telemetry";
import { reportRollouts } from "./report-rollout.ts";
import { createRolloutCount } from "./rollout-count.ts";

/** What is sent in so many turns of the loop, of which nothing is counted meanwhile. */
async function sentIn(turns: number, { takes_part }: { takes_part: boolean }): Promise<number> {
  const stopping = new AbortController();
  const count = createRolloutCount("r1", 1);
  let turn = 0;
  let sent = 0;
  await reportRollouts(
    {
      arms: { report: () => ({ rolloutId: "r1", report: count.report({ takes_part, loaded: true }) }) },
      controlPlane: {
        async reportRollout() {
          sent += 1;
          return { running: true };
        },
      },
      sleep: async () => {
        if (turn === turns) stopping.abort();
        // Something new each time, for whoever may tell it.
        if (!takes_part) count.skipped();
        turn += 1;
      },
      log: silentLogger,
    },
    stopping.signal,
  );
  return sent;
}

test("what is new is told, and nothing is told twice", async () => {
  assert.equal(await sentIn(5, { takes_part: true }), 1);
});

test("a sidecar that does not take part tells less often", async () => {
  assert.equal(await sentIn(10, { takes_part: false }), 2);
});

test("a report that could not be sent is made up for by the next one", async () => {
  const stopping = new AbortController();
  const count = createRolloutCount("r1", 1);
  const sent: number[] = [];
  let attempts = 0;
  await reportRollouts(
    {
      arms: { report: () => ({ rolloutId: "r1", report: count.report({ takes_part: true, loaded: true }) }) },
      controlPlane: {
        async reportRollout(_id, { compared }) {
          attempts += 1;
          if (attempts < 3) throw new Error("down");
          sent.push(compared);
          return { running: true };
        },
      },
      sleep: async () => {
        count.compared("allow", "allow", { tool: "t", agent: "a", request_id: "r" });
        if (attempts === 3) stopping.abort();
      },
      log: silentLogger,
    },
    stopping.signal,
  );
  assert.deepEqual(sent, [3]);
});
