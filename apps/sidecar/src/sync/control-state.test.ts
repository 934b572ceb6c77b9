import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_VERSIONS } from "@postern/contracts";
import { fixedClock } from "@postern/testkit";
import { createAuthority, pointerTo } from "../authority.fixture.ts";
import { createControlState } from "./control-state.ts";
import { createFreshness } from "./freshness.ts";

async function createRig(floors = { keys: 0, policy: 0, pins: 0 }) {
  const clock = fixedClock();
  const authority = await createAuthority(clock.nowMs);
  const wanted: [number, number | undefined][] = [];
  let heldVersion = -1;
  const pinned: string[] = [];
  const halted: string[] = [];
  const approved: string[] = [];
  const bounds = { boundMs: 30_000, ofTools: [{ glob: "delete_*", boundMs: 5_000 }] };
  const freshness = {
    authority: createFreshness({ clock, ...bounds }),
    policy: createFreshness({ clock, ...bounds }),
  };
  const state = createControlState({
    tenant: "acme",
    trustRoot: authority.trustRoot,
    policy: {
      want: (version, pointer) => void wanted.push([version, pointer?.revision]),
      heldVersion: () => heldVersion,
      problem: () => undefined,
    },
    pins: { take: ({ pins }) => void pinned.push(...pins.map(({ tool }) => tool)) },
    halts: { take: ({ halts }) => void halted.push(...halts.map(({ value }) => value)) },
    upstreams: { take: () => {} },
    approvals: { take: ({ decided }) => void approved.push(...decided.map(({ pending_id }) => pending_id)) },
    freshness,
    floors,
    clock,
  });
  const versions = { ...NO_VERSIONS, keys: 1, policy: 1 };
  return {
    clock,
    authority,
    state,
    wanted,
    pinned,
    halted,
    approved,
    reach: (version: number) => {
      heldVersion = version;
    },
    heartbeat: (changed: Partial<typeof versions> = {}) =>
      authority.state("heartbeat", { versions: { ...versions, ...changed } }),
    async connect() {
      await state.apply(await authority.keyList(1));
      await state.apply(await authority.state("policy", { version: 1, active: pointerTo(1), rollout: null }));
      await state.apply(await authority.state("revocations", { after: 0, version: 0, jtis: [] }));
      await state.apply(
        await authority.state("pins", { after: 0, version: 0, mode: "trust_first", pins: [] }),
      );
      await state.apply(await authority.state("halts", { version: 0, halts: [] }));
    },
  };
}

const pinOf = (tool: string) => ({
  ...{ upstream: "files", tool, digests: ["0".repeat(64)], explicit: false, since: 1 },
  ...({ status: "pinned", reason: "pin.unapproved" } as const),
});

test("nothing is accepted before the first heartbeat, and everything that was sealed afterwards", async () => {
  const rig = await createRig();
  assert.equal(rig.state.stale()?.code, "capability.stale");
  await rig.connect();
  assert.equal(rig.state.stale()?.code, "capability.stale");
  rig.reach(1);
  await rig.state.apply(await rig.heartbeat());
  assert.deepEqual(
    [rig.state.stale(), rig.state.policyStale(), rig.state.problems()],
    [undefined, undefined, []],
  );
  assert.deepEqual(rig.wanted, [[1, 1]]);
  assert.equal(rig.state.keys().keys.length, 4);
});

test("without heartbeats everything is denied once the bound has passed, and the reasons say so", async () => {
  const rig = await createRig();
  await rig.connect();
  rig.reach(1);
  await rig.state.apply(await rig.heartbeat());
  rig.clock.advance(30_000);
  assert.equal(rig.state.stale()?.code, "capability.stale");
  assert.equal(rig.state.policyStale()?.code, "policy.stale");
  assert.deepEqual(rig.state.problems(), [
    "no proof for 30 s that keys, revocations, kill switches and pinned tools are current",
    "no proof for 30 s that the policy is current",
  ]);
});

test("a heartbeat about versions that are not held proves nothing", async () => {
  for (const changed of [{ keys: 2 }, { revocations: 3 }, { pins: 1 }]) {
    const rig = await createRig();
    await rig.connect();
    rig.reach(1);
    await rig.state.apply(await rig.heartbeat(changed));
    assert.equal(rig.state.stale()?.code, "capability.stale");
  }
});

test("a policy that cannot be loaded goes stale by itself, while tokens are still checked", async () => {
  const rig = await createRig();
  await rig.connect();
  await rig.state.apply(await rig.heartbeat());
  assert.equal(rig.state.stale(), undefined);
  assert.equal(rig.state.policyStale()?.code, "policy.stale");
});

test("revocations add up, whatever order they are told in, and are never taken back", async () => {
  const rig = await createRig();
  await rig.connect();
  const tell = async (after: number, version: number, jtis: string[]) =>
    rig.state.apply(await rig.authority.state("revocations", { after, version, jtis }));
  await tell(0, 2, ["a", "b"]);
  await tell(2, 3, ["c"]);
  await tell(0, 2, ["a", "b"]);
  assert.deepEqual(["a", "b", "c", "d"].map(rig.state.revocations.isRevoked), [true, true, true, false]);
  assert.equal(rig.state.versions().revocations, 3);
  await assert.rejects(tell(5, 6, ["f"]), { code: "sync.gap" });
});

test("nothing goes back to a version below one that was seen, in this run or an earlier one", async () => {
  const rig = await createRig({ keys: 4, policy: 7, pins: 0 });
  const { authority, state } = rig;
  await assert.rejects(state.apply(await authority.keyList(3)), { code: "sync.rollback" });
  await state.apply(await authority.keyList(5));
  await assert.rejects(state.apply(await authority.keyList(4)), { code: "sync.rollback" });
  const tell = async (version: number) =>
    state.apply(await authority.state("policy", { version, active: null, rollout: null }));
  await assert.rejects(tell(6), { code: "sync.rollback" });
  await tell(8);
  await assert.rejects(tell(7), { code: "sync.rollback" });
  assert.deepEqual(rig.wanted, [[8, undefined]]);
});

test("without pinned tools nothing is accepted, and they are never told back, nor with a hole", async () => {
  const rig = await createRig();
  const { authority, state } = rig;
  await state.apply(await authority.keyList(1));
  await state.apply(await authority.state("revocations", { after: 0, version: 0, jtis: [] }));
  await state.apply(await authority.state("halts", { version: 0, halts: [] }));
  await state.apply(await rig.heartbeat());
  assert.equal(state.stale()?.code, "capability.stale");
  const tell = async (after: number, version: number, tools: string[]) => {
    const pins = tools.map(pinOf);
    return state.apply(await authority.state("pins", { after, version, mode: "trust_first", pins }));
  };
  await assert.rejects(tell(1, 2, ["b"]), { code: "sync.gap" });
  await tell(0, 2, ["a", "b"]);
  await tell(2, 3, ["a"]);
  await assert.rejects(tell(0, 2, ["old"]), { code: "sync.rollback" });
  await assert.rejects(tell(4, 5, ["far"]), { code: "sync.gap" });
  assert.deepEqual(rig.pinned, ["a", "b", "a"]);
  await state.apply(await rig.heartbeat({ pins: 3 }));
  assert.equal(state.stale(), undefined);
  assert.equal(state.versions().pins, 3);
});

test("after a restart pinned tools come in parts, and are not current before they reach as far as they had", async () => {
  const rig = await createRig({ keys: 0, policy: 0, pins: 5 });
  const { authority, state } = rig;
  await rig.connect();
  await assert.rejects(state.apply(await rig.heartbeat()), { code: "sync.rollback" });
  assert.equal(state.stale()?.code, "capability.stale");
  for (const [after, version] of [
    [0, 3],
    [3, 6],
  ] as const) {
    const pins = [pinOf(`t${version}`)];
    await state.apply(await authority.state("pins", { after, version, mode: "off", pins }));
  }
  await state.apply(await rig.heartbeat({ pins: 6 }));
  assert.equal(state.stale(), undefined);
});

test("a state is believed only from whom it must come, for this tenant and in its own shape", async () => {
  const rig = await createRig();
  const { authority, state, clock } = rig;
  const stranger = await createAuthority(clock.nowMs);
  await assert.rejects(state.apply(await stranger.keyList(1)), { code: "signing.unknown_key" });
  await state.apply(await authority.keyList(1));
  const revocations = { after: 0, version: 1, jtis: ["a"] };
  const hostile: readonly [title: string, sealed: string, code: string][] = [
    ["signed by a stranger", await stranger.state("revocations", revocations), "signing.unknown_key"],
    [
      "of another tenant",
      await authority.state("revocations", revocations, { tenant: "other" }),
      "sync.tenant",
    ],
    ["with a field too many", await authority.state("revocations", revocations, { extra: 1 }), "sync.shape"],
    [
      "keys by a state key",
      await authority.seal(
        { kind: "keys", tenant: "acme", issued_at: new Date(0).toISOString(), version: 9, keys: [] },
        "state",
        "state",
      ),
      "sync.shape",
    ],
    [
      "sealed for another purpose",
      await authority.seal(
        { kind: "revocations", tenant: "acme", issued_at: new Date(0).toISOString(), ...revocations },
        "state",
        "bundle",
      ),
      "signing.signature",
    ],
    [
      "signed with the log key",
      await authority.seal(
        { kind: "revocations", tenant: "acme", issued_at: new Date(0).toISOString(), ...revocations },
        "log",
        "state",
      ),
      "signing.unknown_key",
    ],
    ["too large", `v4.public.${"A".repeat(3_000_000)}`, "sync.shape"],
    ["no token at all", "hello", "signing.malformed"],
  ];
  for (const [title, sealed, code] of hostile) await assert.rejects(state.apply(sealed), { code }, title);
  assert.equal(state.revocations.isRevoked("a"), false);
});

test("kill switches and decisions are taken in, never backwards and never with a hole", async () => {
  const rig = await createRig();
  await rig.connect();
  const halt = (version: number, value: string) =>
    rig.authority.state("halts", { version, halts: [{ id: "h", scope: "agent", value, reason: "why" }] });
  await rig.state.apply(await halt(3, "robot"));
  assert.deepEqual(rig.halted, ["robot"]);
  await assert.rejects(rig.state.apply(await halt(2, "other")), { code: "sync.rollback" });
  assert.deepEqual(rig.halted, ["robot"]);
  const decided = {
    ...{
      pending_id: "p",
      status: "approved" as const,
      digest: "0".repeat(64),
      decided_by: "ada",
      reason: "",
    },
    ...{ created_at: "2026-01-01T00:00:00Z", expires_at: "2026-01-02T00:00:00Z" },
  };
  const decision = (after: number, version: number) =>
    rig.authority.state("approvals", { after, version, decided: [decided] });
  await assert.rejects(rig.state.apply(await decision(1, 2)), { code: "sync.gap" });
  await rig.state.apply(await decision(0, 2));
  assert.deepEqual(rig.approved, ["p"]);
  assert.equal(rig.state.versions().approvals, 2);
});

test("a heartbeat that names another version of the kill switches proves nothing", async () => {
  const rig = await createRig();
  await rig.connect();
  await rig.state.apply(await rig.heartbeat({ halts: 1 }));
  assert.equal(rig.state.stale()?.code, "capability.stale");
  await rig.state.apply(await rig.heartbeat());
  assert.equal(rig.state.stale(), undefined);
});

test("after a restart nothing is accepted before the kill switches were told again, whatever was kept", async () => {
  const rig = await createRig({ keys: 1, policy: 1, pins: 0 });
  // What the state folder keeps, and all that is told but the kill switches.
  await rig.state.apply(await rig.authority.keyList(1));
  await rig.state.apply(
    await rig.authority.state("policy", { version: 1, active: pointerTo(1), rollout: null }),
  );
  await rig.state.apply(await rig.authority.state("revocations", { after: 0, version: 0, jtis: [] }));
  await rig.state.apply(
    await rig.authority.state("pins", { after: 0, version: 0, mode: "trust_first", pins: [] }),
  );
  for (const halts of [0, 1]) {
    await rig.state.apply(await rig.heartbeat({ halts }));
    assert.equal(rig.state.stale()?.code, "capability.stale");
  }
  const halt = { id: "h", scope: "agent", value: "robot", reason: "why" } as const;
  await rig.state.apply(await rig.authority.state("halts", { version: 1, halts: [halt] }));
  await rig.state.apply(await rig.heartbeat({ halts: 1 }));
  assert.deepEqual([rig.state.stale(), rig.halted], [undefined, ["robot"]]);
});

test("a tool whose class has a smaller bound is stale before the others", async () => {
  const rig = await createRig();
  await rig.connect();
  rig.reach(1);
  await rig.state.apply(await rig.heartbeat());
  rig.clock.advance(5_000);
  assert.deepEqual(
    [rig.state.stale(), rig.state.stale("read_x"), rig.state.policyStale()],
    [...[undefined, undefined, undefined]],
  );
  assert.equal(rig.state.stale("delete_x")?.code, "capability.stale");
  assert.equal(rig.state.policyStale("delete_x")?.code, "policy.stale");
});
