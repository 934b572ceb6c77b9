import assert from "node:assert/strict";
import { test } from "node:test";
import { readRolloutPlan, whole } from "./rollout-plan.ts";

const fields = { mode: "staged", percent: "10", labels: "", denialsUp: "10", callsMin: "100" };

test("a plan is read with its labels", () => {
  const read = readRolloutPlan({ ...fields, mode: "shadow", labels: "zone = eu\n\nteam=a=b, empty=" });
  assert.deepEqual(read, {
    ok: true,
    plan: {
      mode: "shadow",
      percent: 10,
      labels: { zone: "eu", team: "a=b", empty: "" },
      stop_when: { denials_up_percent_points: 10, calls_min: 100 },
    },
  });
});

for (const [change, problem] of [
  [{ percent: "101" }, /^Percent/],
  [{ percent: "" }, /^Percent/],
  [{ percent: "1e1" }, /^Percent/],
  [{ denialsUp: "0" }, /^Rise/],
  [{ callsMin: "-1" }, /^Calls/],
  [{ labels: "zone" }, /^Labels/],
  [{ labels: "=x" }, /^Labels/],
] as const)
  test(`${JSON.stringify(change)} is refused`, () => {
    const read = readRolloutPlan({ ...fields, ...change });
    assert.match(read.ok ? "" : read.problem, problem);
  });

test("a whole number is one between its bounds", () => {
  assert.deepEqual(
    ["0", " 7 ", "8", "7.0", "", "9".repeat(30)].map((text) => whole(text, 0, 7)),
    [0, 7, undefined, undefined, undefined, undefined],
  );
});
