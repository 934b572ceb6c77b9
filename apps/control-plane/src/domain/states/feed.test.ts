// What sidecars hear: everything first, changes at once, nothing twice, never more than was read (P7).
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  NO_VERSIONS,
  readStateCursor,
  SidecarState,
  type StateVersions,
  stateCursor,
} from "@postern/contracts";
import { createKeySet, kidOf, open } from "@postern/signing";
import { ENGINES, planeOver, type TestPlane, testPlane } from "../../control-plane.fixture.ts";
import { sightingOf } from "../tools/sighting.fixture.ts";

interface Heard {
  readonly id: string;
  readonly state: SidecarState;
}

/** A sidecar's ear: opens what arrives with nothing but the pinned root. */
async function ear(plane: TestPlane, tenant: string) {
  const { json } = await plane.request("POST", "/v1/admin/sidecars", { body: { tenant } });
  const kid = kidOf(json.trust_root);
  const pinned = createKeySet([{ kid, public_key: json.trust_root, use: "root", status: "active" }]);
  let keys = createKeySet([]);

  async function unseal(sealed: string): Promise<SidecarState> {
    const nowMs = plane.clock.nowMs();
    const byRoot = await open(sealed, { keys: pinned, use: "root", purpose: "keys", nowMs }).catch(
      () => undefined,
    );
    const opened = byRoot ?? (await open(sealed, { keys, use: "state", purpose: "state", nowMs }));
    const state = SidecarState.parse(opened.document);
    if (state.kind === "keys") keys = createKeySet(state.keys);
    return state;
  }

  return {
    follow(lastEventId = "", over: Pick<TestPlane, "feed"> = plane) {
      const leaving = new AbortController();
      const heard = readStateCursor(lastEventId);
      const stream = over.feed.follow({
        tenant,
        heard,
        signal: leaving.signal,
        isWelcome: async () =>
          (await plane.units.read((db) => plane.nouns.sidecars.identify(db, json.credential))) !== undefined,
      });
      return {
        async next(): Promise<Heard | undefined> {
          const { value } = await stream.next();
          return value === undefined ? undefined : { id: value.id, state: await unseal(value.sealed) };
        },
        async leave(): Promise<void> {
          leaving.abort();
          await stream.return();
        },
      };
    },
    sidecarId: json.sidecar_id as string,
    credential: json.credential as string,
  };
}

/** States that a new reader hears before it waits. */
const FIRST = 8;

const cursor = (versions: Partial<StateVersions>) => stateCursor({ ...NO_VERSIONS, keys: 1, ...versions });

const revoke = (plane: TestPlane, tenant: string, jti: string) =>
  plane.request("POST", "/v1/admin/revoke", { body: { jti, tenant } });

for (const engine of ENGINES) {
  test(`${engine}: a new reader hears documents, then lists, then a heartbeat`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const { follow } = await ear(plane, "acme");
    await revoke(plane, "acme", "gone-1");
    const stream = follow();
    const heard: (Heard | undefined)[] = [];
    for (let at = 0; at < FIRST; at += 1) heard.push(await stream.next());
    assert.deepEqual(
      heard.map((each) => each?.state.kind),
      ["keys", "policy", "halts", "upstreams", "revocations", "pins", "approvals", "heartbeat"],
    );
    assert.deepEqual(
      heard.map((each) => each?.id),
      [0, 0, 0, 0, 1, 1, 1, 1].map((revocations) => cursor({ revocations })),
    );
    const [, policy, halts, upstreams, revocations, pins, approvals, heartbeat] = heard.map(
      (each) => each?.state,
    );
    assert.ok(policy?.kind === "policy" && policy.active === null && policy.rollout === null);
    assert.ok(halts?.kind === "halts" && halts.halts.length === 0);
    assert.ok(upstreams?.kind === "upstreams" && upstreams.upstreams.length === 0);
    assert.ok(approvals?.kind === "approvals" && approvals.decided.length === 0);
    assert.ok(revocations?.kind === "revocations");
    assert.deepEqual([revocations.after, revocations.version, revocations.jtis], [0, 1, ["gone-1"]]);
    assert.ok(pins?.kind === "pins");
    assert.deepEqual([pins.after, pins.version, pins.mode, pins.pins], [0, 0, "trust_first", []]);
    assert.ok(heartbeat?.kind === "heartbeat");
    assert.deepEqual(heartbeat.versions, { ...NO_VERSIONS, keys: 1, revocations: 1 });
    await stream.leave();
    assert.equal(plane.feed.readers(), 0);
  });

  test(`${engine}: a revocation and a promotion are heard without waiting for the next heartbeat`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const { follow } = await ear(plane, "acme");
    const stream = follow();
    for (let first = 0; first < FIRST; first += 1) await stream.next();
    const waiting = stream.next();
    await revoke(plane, "acme", "gone-1");
    const told = (await waiting)?.state;
    assert.ok(told?.kind === "revocations");
    assert.deepEqual([told.after, told.jtis], [0, ["gone-1"]]);
    assert.equal((await stream.next())?.state.kind, "heartbeat");

    const body = { name: "p", rego_source: "package intentgate.policy", tenant: "acme" };
    const draft = await plane.request("POST", "/v1/admin/policies/drafts", { body });
    const promoting = stream.next();
    await plane.request("POST", "/v1/admin/policies/active", { body: { draft_id: draft.json.id } });
    const promoted = (await promoting)?.state;
    assert.ok(promoted?.kind === "policy");
    assert.deepEqual([promoted.version, promoted.active?.revision], [1, 1]);
    await stream.leave();
  });

  test(`${engine}: a tool that changed, and what is decided of it, is heard without waiting for the next heartbeat`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const { follow, credential } = await ear(plane, "acme");
    const tell = (description: string) => {
      const body = { upstreams: ["files"], tools: [sightingOf("files", { name: "read", description })] };
      return plane.request("POST", "/v1/sidecar/tools", { token: credential, body });
    };
    const stream = follow();
    for (let first = 0; first < FIRST; first += 1) await stream.next();
    const hear = async (act: () => Promise<unknown>) => {
      const waiting = stream.next();
      await act();
      const told = (await waiting)?.state;
      assert.ok(told?.kind === "pins");
      assert.equal((await stream.next())?.state.kind, "heartbeat");
      return [told.after, told.version, told.mode, told.pins.map(({ status }) => status)];
    };
    assert.deepEqual(await hear(() => tell("Reads.")), [0, 1, "trust_first", ["pinned"]]);
    assert.deepEqual(await hear(() => tell("Deletes.")), [1, 2, "trust_first", ["quarantined"]]);
    const [tool] = (await plane.request("GET", "/v1/admin/tools?tenant=acme")).json.items;
    const path = `/v1/admin/tools/${tool.id}/approve?tenant=acme`;
    const body = { digest: tool.waiting_digest };
    assert.deepEqual(await hear(() => plane.request("POST", path, { body })), [
      ...[2, 3, "trust_first", ["pinned"]],
    ]);
    const mode = { mode: "approve_all", tenant: "acme" };
    assert.deepEqual(await hear(() => plane.request("PUT", "/v1/admin/tools/mode", { body: mode })), [
      ...[3, 4, "approve_all", []],
    ]);
    await stream.leave();
  });

  test(`${engine}: a reader that comes back hears only the revocations that it missed`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const { follow } = await ear(plane, "acme");
    for (const jti of ["gone-1", "gone-2", "gone-3"]) await revoke(plane, "acme", jti);
    for (const [lastEventId, after, jtis] of [
      [cursor({ revocations: 2 }), 2, ["gone-3"]],
      [cursor({ revocations: 3 }), 3, []],
      [cursor({ revocations: 4 }), 0, ["gone-1", "gone-2", "gone-3"]],
      ["not a cursor", 0, ["gone-1", "gone-2", "gone-3"]],
    ] as const) {
      const stream = follow(lastEventId);
      for (let document = 0; document < 4; document += 1) await stream.next();
      const told = (await stream.next())?.state;
      assert.ok(told?.kind === "revocations");
      assert.deepEqual([told.after, told.version, told.jtis], [after, 3, jtis], lastEventId);
      await stream.leave();
    }
  });

  test(`${engine}: a slow reader gets the latest heartbeat, not a queue of them`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const { follow } = await ear(plane, "acme");
    const stream = follow();
    for (let first = 0; first < FIRST; first += 1) await stream.next();
    for (let beat = 0; beat < FIRST; beat += 1) {
      plane.clock.advance(1_000);
      await plane.feed.beat();
    }
    const latest = (await stream.next())?.state;
    assert.equal(latest?.issued_at, new Date(plane.clock.nowMs()).toISOString());
    const waiting = stream.next();
    plane.clock.advance(1_000);
    await plane.feed.beat();
    assert.equal((await waiting)?.state.issued_at, new Date(plane.clock.nowMs()).toISOString());
    await stream.leave();
  });

  test(`${engine}: a removed sidecar's stream ends, and another tenant's goes on`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const [gone, stays] = [await ear(plane, "acme"), await ear(plane, "beta")];
    const [first, second] = [gone.follow(), stays.follow()];
    for (let at = 0; at < FIRST; at += 1) {
      await first.next();
      await second.next();
    }
    const ending = first.next();
    await plane.request("DELETE", `/v1/admin/sidecars/${gone.sidecarId}?tenant=acme`);
    assert.equal(await ending, undefined);
    const beat = second.next();
    await plane.feed.beat();
    assert.equal((await beat)?.state.kind, "heartbeat");
    plane.feed.close();
    assert.equal(await second.next(), undefined);
  });
}

test("postgres: a change made by another replica is heard through NOTIFY", async (t) => {
  const plane = await testPlane(t, "postgres");
  if (plane === undefined) return;
  const other = await planeOver(plane.parts);
  const { follow } = await ear(plane, "acme");
  const stream = follow("", other);
  for (let first = 0; first < FIRST; first += 1) await stream.next();
  const waiting = stream.next();
  await revoke(plane, "acme", "gone-1");
  assert.equal((await waiting)?.state.kind, "revocations");
  await stream.leave();
});

test("when the database cannot be read there is no heartbeat", async (t) => {
  const plane = await testPlane(t, "embedded");
  if (plane === undefined) return;
  const { follow } = await ear(plane, "acme");
  const stream = follow();
  for (let first = 0; first < FIRST; first += 1) await stream.next();
  await plane.database.close();
  await assert.rejects(plane.feed.beat());
  const waiting = stream.next();
  plane.feed.close();
  assert.equal(await waiting, undefined);
});
