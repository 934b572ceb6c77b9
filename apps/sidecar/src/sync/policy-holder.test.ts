import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@postern/fault";
import { silentLogger } from "@postern/telemetry";
import { pointerTo } from "../authority.fixture.ts";
import { createPolicyHolder, type PolicyHolder } from "./policy-holder.ts";

interface Rig {
  readonly told: string[];
  readonly holder: PolicyHolder;
  load: (revision: number, revisionMin: number) => Promise<void>;
}

function createRig({ revisionFloor = 0 } = {}) {
  const told: string[] = [];
  const rig: Rig = {
    told,
    load: async (revision) => void told.push(`load ${revision}`),
    holder: createPolicyHolder({
      revisionFloor,
      clear: () => void told.push("clear"),
      load: ({ revision }, min) => rig.load(revision, min),
      onReached: (pointer) => void told.push(`in force ${pointer?.revision ?? "none"}`),
      sleep: async () => {},
      random: () => 0,
      log: silentLogger,
    }),
  };
  return rig;
}

test("a wanted policy is loaded, and its version counts as held only then", async () => {
  const { holder, told } = createRig();
  holder.want(4, pointerTo(2));
  assert.deepEqual([holder.heldVersion(), holder.problem()], [-1, "the policy is being loaded"]);
  await holder.idle();
  assert.deepEqual([holder.heldVersion(), holder.problem(), holder.revisionFloor()], [4, undefined, 2]);
  assert.deepEqual(told, ["load 2", "in force 2"]);
});

test("loading is tried again until it works, and the reason is told meanwhile", async () => {
  const rig = createRig();
  const problems: (string | undefined)[] = [];
  let failures = 3;
  rig.load = async () => {
    problems.push(rig.holder.problem());
    failures -= 1;
    if (failures >= 0) throw new Fault("unavailable", "x", "The bundle is not there.");
  };
  rig.holder.want(1, pointerTo(1));
  await rig.holder.idle();
  assert.equal(problems.length, 4);
  assert.equal(problems[1], "policy revision 1 cannot be loaded: The bundle is not there.");
  assert.equal(rig.holder.problem(), undefined);
});

test("the newest goal wins, and a policy that was cleared while it was being loaded does not stay", async () => {
  const rig = createRig();
  const gate = Promise.withResolvers<void>();
  rig.load = async (revision) => {
    await gate.promise;
    rig.told.push(`load ${revision}`);
  };
  rig.holder.want(1, pointerTo(1));
  rig.holder.want(2, null);
  assert.deepEqual(rig.told, ["clear"]);
  gate.resolve();
  await rig.holder.idle();
  assert.deepEqual(rig.told.slice(-2), ["clear", "in force none"]);
  assert.equal(rig.holder.heldVersion(), 2);
});

test("no revision below the highest that was in force is asked for", async () => {
  const rig = createRig({ revisionFloor: 5 });
  const floors: number[] = [];
  rig.load = async (_revision, min) => void floors.push(min);
  rig.holder.want(1, pointerTo(6));
  await rig.holder.idle();
  rig.holder.want(2, null);
  rig.holder.want(3, pointerTo(7));
  await rig.holder.idle();
  assert.deepEqual(floors, [5, 6]);
});

test("a holder that is stopped tries nothing more", async () => {
  const rig = createRig();
  rig.load = async () => {
    rig.holder.stop();
    throw new Error("never works");
  };
  rig.holder.want(1, pointerTo(1));
  await rig.holder.idle();
  assert.equal(rig.holder.heldVersion(), -1);
});
