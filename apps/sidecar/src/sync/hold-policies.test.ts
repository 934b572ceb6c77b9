// Two policies are pursued at once, and nothing that is wrong with the candidate touches the active one. Real bundles, real floors.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { PolicyPointer, PolicyRollout } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { type OpenedBundle, type PolicySeat, packBundle } from "@postern/policy";
import { createKeySet } from "@postern/signing";
import { createMetrics, silentLogger } from "@postern/telemetry";
import { fixedClock, temporaryDirectory } from "@postern/testkit";
import { createAuthority } from "../authority.fixture.ts";
import { holdPolicies } from "./hold-policies.ts";
import { HOLLOW_MODULE } from "./hollow-module.fixture.ts";
import { openStateFolder } from "./state-folder.ts";

const COMPILED = {
  wasm: HOLLOW_MODULE,
  dataJson: "{}",
  inputPaths: ["tool"],
  capabilitiesSha256: "0".repeat(64),
  compiler: "none",
  sources: {},
};

async function createRig(t: TestContext, floors = { policy_revision: 0, candidate_revision: 0 }) {
  const clock = fixedClock();
  const authority = await createAuthority(clock.nowMs);
  const folder = await openStateFolder(temporaryDirectory(t));
  const store = new Map<string, Uint8Array>();
  const seats: Partial<Record<PolicySeat, PolicyPointer>> = {};
  const followed: (string | undefined)[] = [];
  const problems: string[] = [];
  const fetched: string[] = [];
  let refusing: PolicySeat | undefined;
  let isDown = false;
  let attempts = 0;
  const held = holdPolicies({
    ...{ tenant: "acme", folder, clock, floors, log: silentLogger, random: () => 0 },
    keys: () => createKeySet([...authority.published]),
    metrics: createMetrics(["policyRevision", "policyExpires"]),
    engine: {
      async load({ pointer }: OpenedBundle, seat: PolicySeat = "active") {
        if (seat === refusing) throw new Fault("invalid", "policy.unusable", "It fails on a harmless call.");
        seats[seat] = pointer;
      },
      clear: (_tenant, seat = "active") => void delete seats[seat],
      active: (_tenant, seat = "active") => seats[seat],
    },
    controlPlane: {
      async bundle(digest) {
        fetched.push(digest);
        if (isDown) throw new Fault("unavailable", "client.unreachable", "The service cannot be reached.");
        return store.get(digest) ?? new Uint8Array();
      },
    },
    arms: {
      follow(rollout) {
        followed.push(rollout?.id);
        return rollout !== null && rollout.percent > 0;
      },
      failed: (problem) => void problems.push(problem),
    },
    // Whatever cannot be loaded is tried three times and then left.
    async sleep() {
      attempts += 1;
      if (attempts % 3 === 0) held.stop();
    },
    onReached: () => {},
  });
  return {
    ...{ held, seats, followed, problems, fetched, folder },
    /** A candidate beside a policy that is in force by then: the rig stops both when one of them does not load. */
    async try(active: PolicyPointer, candidate: PolicyPointer) {
      held.want(1, active, null);
      await held.idle();
      held.want(2, active, rolloutOf(candidate));
      await held.idle();
    },
    refuse(seat: PolicySeat) {
      refusing = seat;
    },
    goDown() {
      isDown = true;
    },
    async pointer(revision: number): Promise<PolicyPointer> {
      const stamps = { createdAt: "2026-01-01T00:00:00.000Z", expiresAt: "2036-01-01T00:00:00.000Z" };
      const key = authority.keys.bundle;
      const packed = await packBundle({ tenant: "acme", revision, ...stamps, compiled: COMPILED, key });
      store.set(packed.digest, packed.bytes);
      return { revision, digest: packed.digest, kid: key.kid, expires_at: stamps.expiresAt };
    },
    revisions: () => [seats.active?.revision, seats.candidate?.revision],
  };
}

const rolloutOf = (candidate: PolicyPointer, percent = 100): PolicyRollout => ({
  ...{ id: "r1", mode: "staged", percent, labels: {}, candidate },
});

test("a candidate is loaded beside the active policy, and a stop leaves the active one without fetching anything", async (t) => {
  const rig = await createRig(t);
  const [active, candidate] = [await rig.pointer(1), await rig.pointer(2)];
  rig.held.want(1, active, rolloutOf(candidate));
  await rig.held.idle();
  assert.deepEqual([rig.revisions(), rig.held.heldVersion()], [[1, 2], 1]);
  assert.deepEqual(rig.held.floors(), { policy_revision: 1, candidate_revision: 2 });
  assert.ok(await rig.folder.readBundle(active.digest), "both are kept for the next run");
  assert.ok(await rig.folder.readBundle(candidate.digest));

  rig.goDown();
  rig.held.want(2, active, null);
  assert.equal(rig.seats.candidate, undefined, "at once");
  await rig.held.idle();
  assert.deepEqual([rig.revisions(), rig.held.heldVersion()], [[1, undefined], 2]);
  assert.equal(rig.fetched.length, 2);
});

test("a promoted candidate takes over in a sidecar that held it", async (t) => {
  const rig = await createRig(t);
  rig.held.want(1, await rig.pointer(1), rolloutOf(await rig.pointer(2)));
  await rig.held.idle();
  const promoted = await rig.pointer(3);
  rig.held.want(2, promoted, null);
  await rig.held.idle();
  assert.deepEqual([rig.revisions(), rig.held.floors().policy_revision], [[3, undefined], 3]);
  assert.equal(await rig.folder.readBundle((await rig.pointer(2)).digest), undefined);
});

test("a candidate that cannot be used is told of, and the active policy is in force and current", async (t) => {
  const rig = await createRig(t);
  rig.refuse("candidate");
  await rig.try(await rig.pointer(1), await rig.pointer(2));
  assert.deepEqual(
    [rig.revisions(), rig.held.heldVersion(), rig.held.problem()],
    [[1, undefined], 2, undefined],
  );
  assert.match(rig.problems[0] ?? "", /harmless call/);
});

test("a candidate that cannot be fetched says nothing against it", async (t) => {
  const rig = await createRig(t);
  const [active, candidate] = [await rig.pointer(1), await rig.pointer(2)];
  rig.held.want(1, active, null);
  await rig.held.idle();
  rig.goDown();
  rig.held.want(2, active, rolloutOf(candidate));
  await rig.held.idle();
  assert.deepEqual([rig.revisions(), rig.held.heldVersion(), rig.problems], [[1, undefined], 2, []]);
});

test("no candidate as old as an active policy that was in force is taken, nor one older than the last candidate", async (t) => {
  for (const [revision, isTaken] of [
    [5, false],
    [6, false],
    [7, true],
  ] as const) {
    const rig = await createRig(t, { policy_revision: 5, candidate_revision: 7 });
    await rig.try(await rig.pointer(5), await rig.pointer(revision));
    assert.equal(rig.seats.candidate !== undefined, isTaken, `${revision}`);
  }
  const rig = await createRig(t, { policy_revision: 5, candidate_revision: 0 });
  await rig.try(await rig.pointer(5), await rig.pointer(4));
  assert.deepEqual(rig.revisions(), [5, undefined]);
  assert.match(rig.problems[0] ?? "", /revision/);
});

test("going back from a candidate to the active policy is no way back to an older active one", async (t) => {
  const rig = await createRig(t);
  rig.held.want(1, await rig.pointer(4), rolloutOf(await rig.pointer(6)));
  await rig.held.idle();
  rig.held.want(2, await rig.pointer(3), null);
  await rig.held.idle();
  assert.deepEqual([rig.revisions(), rig.held.heldVersion()], [[4, undefined], 1]);
});

test("where nothing is in force no candidate is tried, and a sidecar that does not take part loads none", async (t) => {
  const rig = await createRig(t);
  const [active, candidate] = [await rig.pointer(1), await rig.pointer(2)];
  rig.held.want(1, null, rolloutOf(candidate));
  await rig.held.idle();
  rig.held.want(2, active, rolloutOf(candidate, 0));
  await rig.held.idle();
  assert.deepEqual(
    [rig.followed, rig.revisions()],
    [
      [undefined, "r1"],
      [1, undefined],
    ],
  );
  assert.deepEqual(rig.fetched, [active.digest]);
});
