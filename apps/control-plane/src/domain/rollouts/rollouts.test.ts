// A candidate's life in the control plane: begun, told, counted, widened, promoted, or taken back by itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SidecarState } from "@postern/contracts";
import fc from "fast-check";
import { ENGINES, planeOver, type TestPlane, testPlane } from "../../control-plane.fixture.ts";
import { renewBundles } from "../../workers/renew-bundles.ts";
import { watchRollouts } from "../../workers/watch-rollouts.ts";
import {
  ACTIVE,
  asAcme,
  DRAFTS,
  draftOf,
  HISTORY,
  promoted,
  ROLLBACK,
  ROLLOUTS,
  reporter,
  reportOf,
} from "./rollout.fixture.ts";

type PolicyState = SidecarState & { kind: "policy" };

/** What sidecars of acme are told about policies now. */
async function told(plane: Pick<TestPlane, "units" | "nouns" | "clock">): Promise<PolicyState> {
  const of = { tenant: "acme", version: 0, issuedAtMs: plane.clock.nowMs() };
  const state = await plane.units.read((db) => plane.nouns.states.document(db, "policy", of));
  const versions = await plane.units.read((db) => plane.nouns.states.versions(db, ["acme"]));
  assert.equal(
    versions.get("acme")?.policy,
    state.version,
    "the document is of the version that is announced",
  );
  return state as PolicyState;
}

const watch = ({ nouns, units, actor }: TestPlane) => watchRollouts(nouns, units, actor);

async function acts(plane: TestPlane, name: string) {
  return (await plane.request("GET", `/v1/admin/audit?tenant=acme&tool=admin/${name}`)).json.items;
}

for (const engine of ENGINES) {
  test(`${engine}: a rollout is told beside the active policy, and completing it puts exactly that in force`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const ask = asAcme(plane);
    await promoted(plane);
    const before = await told(plane);
    assert.equal(before.rollout, null);
    const draft = await draftOf(plane, "second");
    const begun = await ask("POST", ROLLOUTS, { draft_id: draft, percent: 20, labels: { env: "prod" } });
    assert.equal(begun.status, 201, begun.text);
    const { id, rego_sha256: sha256, revision } = begun.json;
    const during = await told(plane);
    assert.ok(during.version > before.version);
    assert.deepEqual(during.active, before.active);
    assert.deepEqual(
      { ...during.rollout, candidate: during.rollout?.candidate.revision },
      { id, mode: "staged", percent: 20, labels: { env: "prod" }, candidate: revision },
    );
    assert.ok(revision > (during.active?.revision ?? 0));

    const second = await ask("POST", ROLLOUTS, { draft_id: draft });
    assert.deepEqual([second.status, second.json.code], [409, "rollouts.running"]);
    const edited = await ask("PUT", `${DRAFTS}/${draft}`, { rego_source: "package other" });
    assert.deepEqual([edited.status, edited.json.code], [409, "policies.promoted"]);

    const wider = await ask("PATCH", `${ROLLOUTS}/${id}`, { percent: 60 });
    assert.equal(wider.json.percent, 60);
    const widened = await told(plane);
    assert.deepEqual([widened.rollout?.percent, widened.version > during.version], [60, true]);

    const completed = await ask("POST", `${ROLLOUTS}/${id}/complete`);
    assert.deepEqual([completed.status, completed.json.rego_sha256], [200, sha256], completed.text);
    const after = await told(plane);
    assert.equal(after.rollout, null);
    assert.ok(after.version > widened.version && (after.active?.revision ?? 0) > revision);
    assert.equal((await ask("GET", `${ROLLOUTS}/${id}`)).json.status, "completed");
    for (const act of ["complete", "stop"]) {
      const again = await ask("POST", `${ROLLOUTS}/${id}/${act}`);
      assert.deepEqual([again.status, again.json.code], [409, "rollouts.ended"]);
    }
    assert.deepEqual((await ask("POST", ROLLBACK)).json.name, "first");
  });

  test(`${engine}: denials that jump end a staged rollout by themselves, with the figures, once`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const ask = asAcme(plane);
    await promoted(plane);
    const begun = await ask("POST", ROLLOUTS, { draft_id: await draftOf(plane, "second"), percent: 100 });
    const { id } = begun.json;
    const [one, two] = [await reporter(plane), await reporter(plane)];
    await one.boot();
    await two.boot();
    assert.deepEqual((await one.report(id, reportOf({ compared: 60, blocked: 3 }))).json, { running: true });
    await two.report(id, reportOf({ compared: 60, blocked: 4 }));
    await watch(plane);
    assert.equal((await ask("GET", `${ROLLOUTS}/${id}`)).json.status, "running");
    const during = await told(plane);

    await two.report(id, reportOf({ compared: 70, blocked: 14 }));
    const replica = await planeOver(plane.parts);
    await Promise.all([watch(plane), watchRollouts(replica.nouns, replica.units, replica.actor)]);
    const { json: stopped } = await ask("GET", `${ROLLOUTS}/${id}`);
    assert.deepEqual([stopped.status, stopped.ended_by], ["stopped", "control-plane"]);
    assert.match(stopped.end_reason, /Of 130 calls .* 13\.1 percentage points fewer/);
    const after = await told(plane);
    assert.deepEqual([after.rollout, after.active], [null, during.active]);
    assert.ok(after.version > during.version);
    const [event, ...more] = await acts(plane, "stop_rollout");
    assert.deepEqual(more, []);
    assert.equal(event.arg_values.figures.differences.allow_to_block, 17);
    assert.deepEqual((await one.report(id, reportOf({ compared: 61, blocked: 3 }))).json, { running: false });
  });

  test(`${engine}: reports add up once, whatever is lost, repeated or late, over sidecars and boots`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const ask = asAcme(plane);
    await promoted(plane);
    const draft = await draftOf(plane, "second");
    const sidecars = [await reporter(plane), await reporter(plane), await reporter(plane)];
    for (const sidecar of sidecars) for (let boot = 0; boot < 3; boot += 1) await sidecar.boot();
    const report = fc.record({
      sidecar: fc.nat(2),
      epoch: fc.integer({ min: 1, max: 3 }),
      compared: fc.nat(40),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(report, { minLength: 1, maxLength: 12 }), async (reports) => {
        const begun = await ask("POST", ROLLOUTS, { draft_id: draft, mode: "shadow" });
        const { id } = begun.json;
        const highest = new Map<string, number>();
        for (const { sidecar, epoch, compared } of reports) {
          const blocked = Math.floor(compared / 2);
          await sidecars[sidecar]?.report(id, reportOf({ compared, blocked, epoch }));
          const key = `${sidecar} ${epoch}`;
          highest.set(key, Math.max(highest.get(key) ?? 0, compared));
        }
        const { figures } = (await ask("GET", `${ROLLOUTS}/${id}`)).json;
        const all = [...highest.values()];
        const sum = all.reduce((total, compared) => total + compared, 0);
        const blocked = all.reduce((total, compared) => total + Math.floor(compared / 2), 0);
        assert.deepEqual(
          [figures.compared, figures.active.allowed, figures.differences.allow_to_block],
          [sum, sum, blocked],
        );
        assert.equal(figures.candidate.allowed + figures.candidate.blocked, sum);
        assert.equal(figures.sidecars, new Set(reports.map(({ sidecar }) => sidecar)).size);
        await ask("POST", `${ROLLOUTS}/${id}/stop`);
      }),
      { numRuns: 8 },
    );
    const { json: page } = await ask("GET", `${ROLLOUTS}?limit=3`);
    const next = await ask("GET", `${ROLLOUTS}?limit=3&cursor=${page.next_cursor}`);
    const ids = [...page.items, ...next.json.items].map(({ id }: { id: string }) => id);
    assert.deepEqual([ids.length, new Set(ids).size], [6, 6]);
  });

  test(`${engine}: whatever else is put in force ends the rollout, and clearing does too`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const ask = asAcme(plane);
    const [a, b] = [await promoted(plane, "a"), await promoted(plane, "b")];
    const enders: [string, () => Promise<{ status: number }>][] = [
      ["rollback", () => ask("POST", ROLLBACK)],
      ["promote", () => ask("POST", ACTIVE, { draft_id: b })],
      ["clear", () => ask("DELETE", ACTIVE)],
    ];
    for (const [name, end] of enders) {
      const { id } = (await ask("POST", ROLLOUTS, { draft_id: a })).json;
      assert.ok((await end()).status < 300, name);
      const { json } = await ask("GET", `${ROLLOUTS}/${id}`);
      assert.deepEqual([json.status, (await told(plane)).rollout], ["stopped", null], name);
    }
    assert.equal((await told(plane)).active, null);
    const refused = await ask("POST", ROLLOUTS, { draft_id: a });
    assert.deepEqual([refused.status, refused.json.code], [409, "rollouts.nothing_active"]);
  });

  test(`${engine}: a candidate is signed anew with the active policy, and stays the higher of the two`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    await promoted(plane);
    await asAcme(plane)("POST", ROLLOUTS, { draft_id: await draftOf(plane, "second") });
    const before = await told(plane);
    plane.clock.advance(11 * 86_400_000);
    await renewBundles(plane.nouns, plane.units, plane.actor, plane.clock);
    const after = await told(plane);
    assert.ok(after.version > before.version);
    const revisions = [before.active, after.active, after.rollout?.candidate].map(
      (each) => each?.revision ?? 0,
    );
    assert.deepEqual(
      revisions.toSorted((x, y) => x - y),
      revisions,
    );
    assert.equal(new Set(revisions).size, 3);
    const digest = after.rollout?.candidate.digest ?? "";
    const bundle = await plane.units.read((db) => plane.nouns.policies.bundle(db, "acme", digest));
    assert.ok(bundle.byteLength > 0);
  });

  test(`${engine}: the history tells everything that was in force, and any of it can come back`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const ask = asAcme(plane);
    for (const name of ["a", "b", "c", "d"]) await promoted(plane, name);
    await ask("DELETE", ACTIVE);
    const back = await ask("POST", ROLLBACK, { revision: 2 });
    assert.deepEqual([back.status, back.json.name, back.json.revision], [200, "b", 6]);
    const told: unknown[] = [];
    for (let cursor = ""; ; ) {
      const { json } = await ask("GET", `${HISTORY}?limit=2${cursor}`);
      for (const { revision, kind, name } of json.items) told.push([revision, kind, name]);
      if (json.next_cursor === undefined) break;
      cursor = `&cursor=${json.next_cursor}`;
    }
    assert.deepEqual(told, [
      [6, "rollback", "b"],
      [5, "clear", ""],
      [4, "promote", "d"],
      [3, "promote", "c"],
      [2, "promote", "b"],
      [1, "promote", "a"],
    ]);
    assert.equal((await ask("POST", ROLLBACK)).json.name, "a", "what came back knows what was before it");
    for (const revision of [5, 99]) {
      const refused = await ask("POST", ROLLBACK, { revision });
      assert.deepEqual([refused.status, refused.json.code], [404, "policies.unknown_revision"]);
    }
    const other = await plane.request("GET", HISTORY, { token: "the-admin-of-beta" });
    assert.deepEqual(other.json.items, []);
  });
}

test("only the rollouts of its own tenant take a sidecar's report, of epochs that it was granted", async (t) => {
  const plane = await testPlane(t, "embedded");
  if (plane === undefined) return;
  await promoted(plane);
  const { id } = (await asAcme(plane)("POST", ROLLOUTS, { draft_id: await draftOf(plane, "b") })).json;
  const sidecar = await reporter(plane);
  const ahead = await sidecar.report(id, reportOf({ epoch: 1 }));
  assert.deepEqual([ahead.status, ahead.json.code], [409, "sidecars.epoch"]);
  const { json } = await plane.request("POST", "/v1/admin/sidecars", { body: { tenant: "beta" } });
  const path = `/v1/sidecar/rollouts/${id}/report`;
  const stranger = await plane.request("POST", path, { token: json.credential, body: reportOf({}) });
  assert.deepEqual([stranger.status, stranger.json.code], [404, "rollouts.unknown"]);
});

test("a candidate that a sidecar cannot use ends the rollout, a shadow too", async (t) => {
  const plane = await testPlane(t, "embedded");
  if (plane === undefined) return;
  await promoted(plane);
  const begun = await asAcme(plane)("POST", ROLLOUTS, {
    draft_id: await draftOf(plane, "b"),
    mode: "shadow",
  });
  const { id } = begun.json;
  const sidecar = await reporter(plane);
  await sidecar.boot();
  await sidecar.report(
    id,
    reportOf({}, { load_failures: 1, loaded: false, problem: "It fails on a harmless call." }),
  );
  await watch(plane);
  const { json } = await asAcme(plane)("GET", `${ROLLOUTS}/${id}`);
  assert.deepEqual([json.status, json.figures.problem], ["stopped", "It fails on a harmless call."]);
  assert.match(json.end_reason, /harmless call/);
});
