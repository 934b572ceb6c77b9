// Which policy judges while a rollout runs, and what is counted of the other one.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PolicyPointer, PolicyRollout } from "@postern/contracts";
import { RolloutReport } from "@postern/contracts";
import type { PolicyQuestion, PolicySeat, PolicyVerdict } from "@postern/policy";
import { fixedClock } from "@postern/testkit";
import fc from "fast-check";
import { pointerTo } from "../authority.fixture.ts";
import { createPolicyArms } from "./policy-arms.ts";
import { takesPart } from "./takes-part.ts";

const ACTIVE = pointerTo(1);
const CANDIDATE = pointerTo(2);

const rolloutOf = (changes: Partial<PolicyRollout> = {}): PolicyRollout => ({
  ...{ id: "r1", mode: "staged", percent: 100, labels: {}, candidate: CANDIDATE },
  ...changes,
});

type Says = "allow" | "block" | "escalate";

/** An engine whose policies say what the test wants, and work that waits until the test lets it. */
function createRig({ labels = {} }: { labels?: Record<string, string> } = {}) {
  const clock = fixedClock();
  const seats: Partial<Record<PolicySeat, PolicyPointer>> = { active: ACTIVE, candidate: CANDIDATE };
  const says: Record<PolicySeat, Says> = { active: "allow", candidate: "block" };
  const waiting: (() => void)[] = [];
  const asked: [PolicySeat, number | undefined][] = [];
  const engine = {
    evaluate(_tenant: string, question: PolicyQuestion, seat: PolicySeat = "active"): PolicyVerdict {
      asked.push([seat, question.remaining().calls]);
      const pointer = seats[seat];
      if (pointer === undefined)
        return { ok: false, reason: { code: "policy.none", detail: "" } as never, pointer };
      const decision =
        says[seat] === "escalate" ? { allow: false, escalate: true } : { allow: says[seat] === "allow" };
      return { ok: true, decision, pointer };
    },
    active: (_tenant: string, seat: PolicySeat = "active") => seats[seat],
  };
  const arms = createPolicyArms({
    ...{ tenant: "acme", epoch: 3, sidecarId: "sidecar-1", labels, engine, clock },
    later: (work) => void waiting.push(work),
  });
  return {
    arms,
    seats,
    says,
    asked,
    clock,
    /** Number of comparisons that waited. */
    async catchUp() {
      const works = waiting.splice(0);
      for (const work of works) work();
      await new Promise((resolve) => setImmediate(resolve));
      return works.length;
    },
    async ask(changes: Partial<PolicyQuestion> = {}) {
      const verdict = await arms.evaluate("acme", questionOf(changes));
      return verdict.pointer?.revision;
    },
    report() {
      const told = arms.report();
      assert.ok(told !== undefined);
      return RolloutReport.parse(told.report);
    },
  };
}

let left = 0;
const questionOf = (changes: Partial<PolicyQuestion>): PolicyQuestion =>
  ({
    ...{ action: "call", method: "tools/call", tool: "read_file", args: { secret: "s3cret" } },
    ...{ capability: { agent: "agent-7" }, requestId: "request-1", upstream: "files", nowMs: 0 },
    remaining: () => {
      left += 1;
      return { calls: left };
    },
    ...changes,
  }) as PolicyQuestion;

test("a staged candidate judges in a sidecar that takes part, and the active policy is asked beside it", async () => {
  const rig = createRig();
  assert.equal(await rig.ask(), 1);
  assert.equal(rig.arms.report(), undefined);
  assert.equal(rig.arms.follow(rolloutOf()), true);
  assert.equal(await rig.ask(), 2);
  assert.equal(await rig.catchUp(), 1);
  const { active, candidate, compared, differences, epoch, loaded, samples } = rig.report();
  assert.deepEqual([active.allowed, candidate.blocked, compared, epoch, loaded], [1, 1, 1, 3, true]);
  assert.equal(differences.allow_to_block, 1);
  assert.deepEqual(samples, [
    { difference: "allow_to_block", tool: "read_file", agent: "agent-7", request_id: "request-1" },
  ]);
  assert.ok(!JSON.stringify(rig.report()).includes("s3cret"));
  const [, decided, beside] = rig.asked;
  assert.equal(decided?.[1], beside?.[1], "both are told that the same remains");
});

test("a shadow judges nothing: it is asked after the active policy has decided", async () => {
  const rig = createRig();
  rig.arms.follow(rolloutOf({ mode: "shadow" }));
  rig.says.candidate = "escalate";
  assert.equal(await rig.ask(), 1);
  assert.equal(rig.report().compared, 0);
  await rig.catchUp();
  assert.deepEqual([rig.report().candidate.escalated, rig.report().differences.allow_to_escalate], [1, 1]);
});

test("without a ready candidate, and without an active policy to go back to, the active seat decides", async () => {
  const spoils: [string, (rig: ReturnType<typeof createRig>) => unknown][] = [
    ["it is not loaded yet", ({ seats }) => delete seats.candidate],
    ["another one is loaded", ({ seats }) => Object.assign(seats, { candidate: pointerTo(9) })],
    ["it has expired", ({ clock }) => clock.advance(Date.parse(CANDIDATE.expires_at) - clock.nowMs())],
    ["nothing is in force", ({ seats }) => delete seats.active],
    ["the sidecar does not take part", ({ arms }) => arms.follow(rolloutOf({ percent: 0 }))],
    ["the sidecar is another kind", ({ arms }) => arms.follow(rolloutOf({ labels: { env: "prod" } }))],
    ["the rollout is over", ({ arms }) => arms.follow(null)],
  ];
  for (const [name, spoil] of spoils) {
    const rig = createRig();
    rig.arms.follow(rolloutOf());
    spoil(rig);
    await rig.ask();
    assert.deepEqual(
      rig.asked.map(([seat]) => seat),
      ["active"],
      name,
    );
    assert.equal(await rig.catchUp(), 0, name);
    assert.equal(rig.report().loaded, false, name);
  }
});

test("a sidecar that does not take part counts what the active policy says", async () => {
  const rig = createRig();
  assert.equal(rig.arms.follow(rolloutOf({ percent: 0 })), false);
  await rig.ask();
  const { active, candidate, takes_part } = rig.report();
  assert.deepEqual([active.allowed, candidate.allowed + candidate.blocked, takes_part], [1, 0, false]);
});

test("comparing is left out when too many calls wait for it, and that is counted", async () => {
  const rig = createRig();
  rig.arms.follow(rolloutOf());
  for (let call = 0; call < 20; call += 1) await rig.ask();
  assert.equal(await rig.catchUp(), 8);
  const { candidate, compared, skipped } = rig.report();
  assert.deepEqual([candidate.blocked, compared, skipped], [20, 8, 12]);
  await rig.ask();
  assert.equal(await rig.catchUp(), 1);
});

test("lists, and calls that a person let pass, are judged by the same policy and not counted again", async () => {
  const rig = createRig();
  rig.arms.follow(rolloutOf());
  assert.equal(await rig.ask({ action: "list" }), 2);
  const approval = { id: "a", decided_by: "b", decided_at: "2026-01-01T00:00:00Z" };
  assert.equal(await rig.ask({ approval }), 2);
  assert.equal(await rig.catchUp(), 0);
  assert.equal(rig.report().candidate.blocked, 0);
});

test("a comparison whose policy is gone by then is skipped, not counted as a denial", async () => {
  const rig = createRig();
  rig.arms.follow(rolloutOf({ mode: "shadow" }));
  await rig.ask();
  delete rig.seats.candidate;
  await rig.catchUp();
  const { candidate, compared, skipped } = rig.report();
  assert.deepEqual([candidate.blocked, compared, skipped], [0, 0, 1]);
});

test("trouble with what is compared never reaches the call", async () => {
  const rig = createRig();
  rig.arms.follow(rolloutOf({ mode: "shadow" }));
  let calls = 0;
  const remaining = () => {
    calls += 1;
    if (calls === 1) throw new Error("no ledger");
    return {};
  };
  assert.equal(await rig.ask({ remaining }), 1);
  assert.equal(await rig.catchUp(), 0);
});

test("a few samples of each kind are kept, and none is longer than the report takes", async () => {
  const rig = createRig();
  rig.arms.follow(rolloutOf());
  for (const active of ["allow", "escalate"] as const) {
    rig.says.active = active;
    for (let call = 0; call < 5; call += 1) {
      await rig.ask({ tool: `${"x".repeat(400)}\ud800\u0000` });
      await rig.catchUp();
    }
  }
  const kinds = rig.report().samples.map(({ difference }) => difference);
  assert.deepEqual(kinds, [...Array(3).fill("allow_to_block"), ...Array(3).fill("escalate_to_block")]);
});

test("counts go on while the rollout widens, and begin anew with another one", async () => {
  const rig = createRig();
  rig.arms.follow(rolloutOf({ percent: 0 }));
  await rig.ask();
  rig.arms.follow(rolloutOf({ percent: 100 }));
  await rig.ask();
  const { active, candidate } = rig.report();
  assert.deepEqual([active.allowed, candidate.blocked], [1, 1]);
  rig.arms.follow(null);
  assert.equal(rig.report().candidate.blocked, 1, "what was counted last is still told");
  rig.arms.follow(rolloutOf({ id: "r2" }));
  assert.equal(rig.report().candidate.blocked, 0);
});

test("whoever takes part at one percentage does at every higher one, and shares are about right", () => {
  const percent = fc.integer({ min: 0, max: 100 });
  fc.assert(
    fc.property(fc.uuid(), fc.uuid(), percent, percent, (id, sidecarId, a, b) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      const at = (share: number) => takesPart({ id, percent: share, labels: {} }, { sidecarId, labels: {} });
      assert.ok(!at(low) || at(high));
      assert.deepEqual([at(0), at(100)], [false, true]);
    }),
  );
  const sidecars = Array.from({ length: 2_000 }, (_, index) => ({
    sidecarId: `sidecar-${index}`,
    labels: {},
  }));
  const share =
    sidecars.filter((each) => takesPart({ id: "r", percent: 30, labels: {} }, each)).length / 2_000;
  assert.ok(Math.abs(share - 0.3) < 0.04, `${share}`);
});

test("every label that is asked for must be there, and others do not matter", () => {
  const own = { sidecarId: "s", labels: { env: "prod", team: "a" } };
  const at = (labels: Record<string, string>) => takesPart({ id: "r", percent: 100, labels }, own);
  assert.deepEqual(
    [at({}), at({ env: "prod" }), at({ env: "prod", team: "a" }), at({ env: "test" }), at({ zone: "b" })],
    [true, true, true, false, false],
  );
  assert.equal(at(JSON.parse('{"toString":"x"}')), false);
});
