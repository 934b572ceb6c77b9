// Whatever is changed in a stored chain is found, and the event at which it shows is named.
import assert from "node:assert/strict";
import { test } from "node:test";
import { printVerifierKey, readVerifierKey, verifyExport } from "@postern/audit";
import { type SQL, sql } from "drizzle-orm";
import fc from "fast-check";
import { ENGINES, type TestAnswer, type TestPlane, testPlane } from "../../control-plane.fixture.ts";
import { rowsOf } from "../../database/connection.ts";

const VERIFY = "/v1/admin/audit/verify?tenant=acme";

async function grow(plane: TestPlane, events: number): Promise<readonly string[]> {
  for (let at = 0; at < events; at += 1) {
    await plane.request("POST", "/v1/admin/mint", { body: { subject: `agent-${at}`, tenant: "acme" } });
  }
  const rows = await rowsOf(
    plane.database.executor,
    sql`select event_id from audit_events where tenant = 'acme' order by idx`,
  );
  return rows.map((row) => String(row.event_id));
}

for (const engine of ENGINES) {
  test(`${engine}: one flipped byte of one stored event is found and the event is named`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const { database } = plane;
    const ids = await grow(plane, 4);
    assert.equal((await plane.request("GET", VERIFY)).json.verified, true);
    await fc.assert(
      fc.asyncProperty(fc.nat(ids.length - 1), fc.nat(500), async (idx, at) => {
        const [row] = await rowsOf(
          plane.database.executor,
          sql`select event from audit_events where tenant = 'acme' and idx = ${idx}`,
        );
        const text = String(row?.event);
        const place = at % text.length;
        const flipped = String.fromCharCode(text.charCodeAt(place) ^ 1);
        const changed = text.slice(0, place) + flipped + text.slice(place + 1);
        await put(changed);
        const found = (await plane.request("GET", VERIFY)).json;
        await put(text);
        assert.deepEqual([found.verified, found.first_broken_event_id], [false, ids[idx]]);
        assert.equal(found.events_checked, idx);

        async function put(event: string): Promise<void> {
          const { executor } = database;
          await executor.execute(
            sql`update audit_events set event = ${event} where tenant = 'acme' and idx = ${idx}`,
          );
        }
      }),
      { numRuns: 15 },
    );
    assert.equal((await plane.request("GET", VERIFY)).json.verified, true);
  });

  test(`${engine}: rows that are removed, swapped, added or re-labelled are found`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const ids = await grow(plane, 6);
    const last = ids.length - 1;
    await plane.request("GET", "/v1/admin/audit/checkpoint?tenant=acme");
    const where = (idx: number) => sql`where tenant = 'acme' and idx = ${idx}`;
    const cases: [string, SQL, string | undefined][] = [
      ["an event removed from the middle", sql`delete from audit_events ${where(2)}`, ids[3]],
      ["the last event removed", sql`delete from audit_events ${where(last)}`, ids[last]],
      [
        "two events swapped",
        sql`update audit_events set event = (select e.event from audit_events e where e.tenant = 'acme' and e.idx = 9 - audit_events.idx) where tenant = 'acme' and idx in (4, 5)`,
        ids[4],
      ],
      ["another decision in the column", sql`update audit_events set decision = 'block' ${where(3)}`, ids[3]],
      ["another agent in the column", sql`update audit_events set agent_id = 'somebody' ${where(3)}`, ids[3]],
      [
        "another instant in the column",
        sql`update audit_events set ts = ts + interval '1 day' ${where(3)}`,
        ids[3],
      ],
      ["another hash", sql`update audit_events set hash = ${"0".repeat(64)} ${where(1)}`, ids[1]],
      [
        "another head",
        sql`update audit_chains set head_hash = ${"0".repeat(64)} where tenant = 'acme'`,
        ids[last],
      ],
      [
        "the chain cut and its head with it",
        sql`update audit_chains set size = size - 1 where tenant = 'acme'`,
        ids[last - 1],
      ],
      [
        "a checkpoint over another root",
        sql`update audit_checkpoints set root_hash = ${"0".repeat(64)} where tenant = 'acme'`,
        ids[last],
      ],
    ];
    for (const [what, tamper, named] of cases) {
      await assert.rejects(
        plane.database.transaction(async (executor) => {
          await executor.execute(tamper);
          const found = await plane.nouns.audit.verify(executor, "acme");
          assert.deepEqual(
            [found.verified, found.firstBrokenEventId],
            [false, named],
            `${what}: ${found.problem}`,
          );
          throw new Error("undo");
        }),
        /undo/,
        what,
      );
    }
    assert.equal((await plane.request("GET", VERIFY)).json.verified, true);
  });

  test(`${engine}: a whole rewritten chain is found by its last signed checkpoint`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    await grow(plane, 3);
    await plane.request("GET", "/v1/admin/audit/checkpoint?tenant=acme");
    // The forger writes another history of the same length, with every hash and the head right.
    await plane.request("POST", "/v1/admin/mint", { body: { subject: "x", tenant: "other" } });
    const { executor } = plane.database;
    await executor.execute(sql`delete from audit_events where tenant = 'acme'`);
    await executor.execute(sql`delete from audit_chains where tenant = 'acme'`);
    await grow(plane, 9);
    const found = (await plane.request("GET", VERIFY)).json;
    assert.equal(found.verified, false);
    assert.notEqual(found.first_broken_event_id, "");
    const refused = await plane.request("GET", "/v1/admin/audit/checkpoint?tenant=acme");
    assert.equal(
      refused.status,
      200,
      "a longer chain can be signed; that it contradicts is for verification to say",
    );
  });

  test(`${engine}: an export verifies far away with the published key, and only unchanged`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    await grow(plane, 3);
    const exported = await plane.request("GET", "/v1/admin/audit/export?format=ndjson&tenant=acme");
    const keys = await plane.request("GET", "/v1/admin/keys?tenant=acme");
    const { vkey } = keys.json.find((key: { use: string }) => key.use === "log");
    assert.equal(readVerifierKey(vkey)?.name, "logs.example/acme");
    assert.equal(printVerifierKey(readVerifierKey(vkey) ?? { name: "", publicKey: "" }), vkey);
    const report = await verifyExport([exported.text], { publicKey: vkey });
    assert.deepEqual(
      [report.verified, report.checkpoint?.signature],
      [true, "valid"],
      JSON.stringify(report),
    );
    assert.equal(report.checkpoint?.size, report.eventsChecked);
    const changed = await verifyExport([exported.text.replace("agent-1", "agent-9")], { publicKey: vkey });
    assert.equal(changed.verified, false);
    const cut = exported.text.split("\n").toSpliced(-3, 1).join("\n");
    assert.equal((await verifyExport([cut], { publicKey: vkey })).verified, false);
  });

  test(`${engine}: appends that happen at once make one unbroken chain`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const minted = Array.from({ length: 24 }, (_, at) =>
      plane.request("POST", "/v1/admin/mint", {
        body: { subject: `agent-${at}`, tenant: at % 2 ? "acme" : "beta" },
      }),
    );
    for (const answer of await Promise.all(minted)) assert.equal(answer.status, 200);
    for (const tenant of ["acme", "beta"]) {
      const found: TestAnswer = await plane.request("GET", `/v1/admin/audit/verify?tenant=${tenant}`);
      // Making the tenant, making its keys, and twelve tokens.
      assert.deepEqual([found.json.verified, found.json.events_checked], [true, 14]);
    }
  });
}

test("a checkpoint is signed once for each size, and never over less than the one before", async (t) => {
  const plane = await testPlane(t, "embedded");
  if (plane === undefined) return;
  await grow(plane, 2);
  const path = "/v1/admin/audit/checkpoint?tenant=acme";
  const first = await plane.request("GET", path);
  assert.match(first.text, /^logs\.example\/acme\n4\n/);
  assert.equal((await plane.request("GET", path)).text, first.text);
  await plane.database.executor.execute(sql`update audit_checkpoints set size = 99 where tenant = 'acme'`);
  const refused = await plane.request("GET", path);
  assert.deepEqual([refused.status, refused.json.code], [500, "audit.contradiction"]);
});
