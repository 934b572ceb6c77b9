// What sidecars and those who log in learn of kill switches: at once, each tenant its own, everybody what stops everybody.
import assert from "node:assert/strict";
import { test } from "node:test";
import { HALTS_MAX, Halt, readStateCursor } from "@postern/contracts";
import { ENGINES, planeOver, type TestPlane, testPlane } from "../../control-plane.fixture.ts";
import { events, setup } from "../issuers/exchange.fixture.ts";
import { createUnits, type Notice } from "../unit.ts";

const engage = (plane: Pick<TestPlane, "request">, body: object) =>
  plane.request("POST", "/v1/admin/kill-switch", { body: { reason: "why", ...body } });

/** A sidecar's ear for the versions of halts alone: those that follow one another. */
async function haltsHeard(plane: Pick<TestPlane, "feed">, tenant: string) {
  const leaving = new AbortController();
  const { signal } = leaving;
  const stream = plane.feed.follow({ tenant, heard: undefined, signal, isWelcome: async () => true });
  const next = async () => {
    const { value } = await stream.next();
    return value === undefined ? undefined : readStateCursor(value.id)?.halts;
  };
  for (let first = 0; first < 8; first += 1) await next();
  return {
    next,
    async leave() {
      leaving.abort();
      await stream.return();
    },
  };
}

for (const engine of ENGINES) {
  test(`${engine}: a change is heard at once by its tenant's sidecars alone, and what stops everybody by all`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const [acme, beta] = [await haltsHeard(plane, "acme"), await haltsHeard(plane, "beta")];
    const hearing = acme.next();
    const { json } = await engage(plane, { scope: "agent", value: "x", tenant: "acme" });
    assert.equal(await hearing, 1);
    assert.equal(await acme.next(), 1, "the heartbeat that vouches for it");

    const both = [acme.next(), beta.next()];
    const { json: everybodys } = await engage(plane, { scope: "global" });
    assert.deepEqual(await Promise.all(both), [2, 1]);
    assert.deepEqual([await acme.next(), await beta.next()], [2, 1]);

    const freed = acme.next();
    const path = (id: string) => `/v1/admin/kill-switch/${id}/release`;
    await plane.request("POST", path(json.id), { body: { reason: "over" } });
    assert.equal(await freed, 3);
    await acme.next();
    const allFreed = [acme.next(), beta.next()];
    await plane.request("POST", path(everybodys.id), { body: { reason: "over" } });
    assert.deepEqual(await Promise.all(allFreed), [4, 2]);
    await acme.leave();
    await beta.leave();
  });

  test(`${engine}: what was released is off for whoever looks with a clock that lags`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const { json } = await engage(plane, { scope: "agent", value: "x", tenant: "acme" });
    const path = `/v1/admin/kill-switch/${json.id}/release`;
    await plane.request("POST", path, { body: { reason: "over" } });
    const earlierMs = plane.clock.nowMs() - 1_000;
    assert.deepEqual(await plane.units.read((db) => plane.nouns.halts.on(db, "acme", earlierMs)), []);
  });

  test(`${engine}: sidecars are told what is on, as the contract has it`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    await engage(plane, { scope: "tool", value: "pay_*", tenant: "acme", ttl_seconds: 60 });
    await engage(plane, { scope: "global", reason: "all stop" });
    await engage(plane, { scope: "tenant", tenant: "beta" });
    const on = await plane.units.read((db) => plane.nouns.halts.on(db, "acme", plane.clock.nowMs()));
    assert.deepEqual(
      on.map((halt) => Halt.parse(halt)),
      on,
    );
    assert.deepEqual(
      on.map(({ scope, value, reason, expires_at }) => [scope, value, reason, expires_at]).sort(),
      [
        ["global", "", "all stop", undefined],
        ["tool", "pay_*", "why", new Date(plane.clock.nowMs() + 60_000).toISOString()],
      ],
    );
  });
}

test("postgres: what stops everybody is heard by the sidecars of another replica through NOTIFY", async (t) => {
  const plane = await testPlane(t, "postgres");
  if (plane === undefined) return;
  const [acme, beta] = [
    await haltsHeard(await planeOver(plane.parts), "acme"),
    await haltsHeard(await planeOver(plane.parts), "beta"),
  ];
  const both = [acme.next(), beta.next()];
  await engage(plane, { scope: "global" });
  assert.deepEqual(await Promise.all(both), [1, 1]);
  await acme.leave();
  await beta.leave();
});

test("people outside hear of what was engaged, prolonged and released, and of nothing else", async (t) => {
  const plane = await testPlane(t, "embedded");
  assert.ok(plane !== undefined);
  const told: Notice[] = [];
  const units = createUnits({
    ...plane.parts,
    journal: async () => {},
    outbox: { keep: async (_, notices) => void told.push(...notices), committed: () => {} },
    announcer: { prepare: async () => {}, committed: () => {} },
  });
  const { halts } = plane.nouns;
  const target = { tenant: "acme", scope: "agent", value: "x" } as const;
  const expiresAt = new Date(plane.clock.nowMs() + 60_000);
  const stop = (request: object) =>
    units.commit(plane.actor, (unit) =>
      halts.engage(unit, { ...target, reason: "why", expiresAt: null, ...request }),
    );
  const { halt } = await stop({ expiresAt });
  await stop({ expiresAt });
  await stop({});
  await units.commit(plane.actor, (unit) => halts.releaseTarget(unit, target, "over"));
  const data = { halt_id: halt.id, scope: "agent", value: "x", halt_reason: "why", by: plane.actor.name };
  assert.deepEqual(told, [
    { tenant: "acme", type: "halt.engaged", data: { ...data, expires_at: expiresAt.toISOString() } },
    { tenant: "acme", type: "halt.engaged", data: { ...data, expires_at: "" } },
    { tenant: "acme", type: "halt.released", data: { ...data, expires_at: "", release_reason: "over" } },
  ]);
});

test("whoever is stopped is given no capability for an access token, and is let in again afterwards", async (t) => {
  const rig = await setup(t);
  const { plane } = rig;
  const token = await rig.token();
  const { jti } = await (async () => {
    await rig.exchange(token);
    const [told] = await events(rig);
    return { jti: told.capability_token_id };
  })();
  for (const [target, whom] of [
    [{ scope: "global" }, "everybody"],
    [{ scope: "tenant", tenant: "acme" }, "this tenant"],
    [{ scope: "agent", value: "alice", tenant: "acme" }, "the agent alice"],
    [{ scope: "token", value: jti, tenant: "acme" }, `the token ${jti}`],
    [{ scope: "subtree", value: jti, tenant: "acme" }, `the token ${jti} and all that is derived from it`],
  ] as const) {
    const { json } = await engage(plane, { ...target, reason: "a leak" });
    const refused = await rig.exchange(token);
    const message = `A kill switch is on for ${whom}: a leak`;
    assert.deepEqual([refused.status, refused.json], [403, { error: message, code: "capability.halted" }]);
    const [told] = await events(rig);
    assert.deepEqual([told.decision, told.agent_id, told.reason], ["block", "alice", message]);
    await plane.request("POST", `/v1/admin/kill-switch/${json.id}/release`, { body: { reason: "over" } });
    assert.equal((await rig.exchange(token)).status, 200);
  }
  await engage(plane, { scope: "tenant", tenant: "beta" });
  await engage(plane, { scope: "tool", value: "*", tenant: "acme" });
  await engage(plane, { scope: "agent", value: "bob", tenant: "acme" });
  assert.equal((await rig.exchange(token)).status, 200);
});

test("a token is issued to whoever is stopped, for when he is let go", async (t) => {
  const plane = await testPlane(t, "embedded");
  assert.ok(plane !== undefined);
  await engage(plane, { scope: "agent", value: "agent-x", tenant: "acme" });
  const minted = await plane.request("POST", "/v1/admin/mint", {
    body: { subject: "agent-x", tenant: "acme" },
  });
  assert.equal(minted.status, 200);
});

test("the largest list of kill switches fits into one state", () => {
  const halt = Halt.parse({
    ...{ id: "i".repeat(128), scope: "subtree", value: "\uffee".repeat(256), reason: "\uffee".repeat(512) },
    expires_at: "2030-01-01T00:00:00.000Z",
  });
  const bytes = Buffer.byteLength(JSON.stringify(Array.from({ length: HALTS_MAX }, () => halt)));
  // Sealed, three bytes are four characters; a sidecar takes 2 MiB of them.
  assert.ok((bytes * 4) / 3 + 4_096 < 2_097_152, `${bytes} bytes`);
});
