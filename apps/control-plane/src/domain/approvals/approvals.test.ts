// An approval is for one exact call, given by people who may, in time, and used once (P8): the life of a parked call over both doors.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ENGINES } from "../../control-plane.fixture.ts";
import { journal } from "../audit/append.ts";
import { createUnits, type Notice } from "../unit.ts";
import { parkedCall } from "./parked-call.fixture.ts";
import { ANN, BOB, createQueue } from "./queue.fixture.ts";

const MINUTE = 60_000;
const at = (ms: number) => new Date(ms).toISOString();

for (const engine of ENGINES) {
  test(`${engine}: a parked call waits, is approved, is taken once, and is over`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const { clock } = queue.plane;
    const startMs = clock.nowMs();
    const ticket = await queue.parked();
    assert.deepEqual(ticket, {
      ...{ pending_id: ticket.pending_id, status: "pending", digest: parkedCall().digest },
      ...{ created_at: at(startMs), expires_at: at(startMs + 60 * MINUTE), decided_by: "", reason: "" },
    });
    assert.deepEqual((await queue.ticket(ticket.pending_id)).json, ticket);
    const early = await queue.claim(ticket);
    assert.deepEqual(
      [early.status, early.json.code, early.json.status],
      [409, "approvals.pending", "pending"],
    );

    clock.advance(MINUTE);
    const said = { reason: "Known payee.", decided_by: "ann@acme.example" };
    assert.equal((await queue.decide(ticket.pending_id, "approve", ANN, said)).status, 204);
    const approved = (await queue.ticket(ticket.pending_id)).json;
    assert.deepEqual(approved, {
      ...ticket,
      ...{ status: "approved", expires_at: at(startMs + 16 * MINUTE) },
      ...{ decided_by: "operator:ann", decided_at: at(startMs + MINUTE), reason: "Known payee." },
    });
    assert.deepEqual((await queue.park()).json, approved, "whoever repeats the call hears its fate");

    const taken = await queue.claim(ticket);
    assert.deepEqual([taken.status, taken.json.status], [200, "used"]);
    const again = await queue.claim(ticket, "event-2");
    assert.deepEqual([again.status, again.json.code, again.json.status], [409, "approvals.used", "used"]);
    assert.equal((await queue.decide(ticket.pending_id, "reject")).json.code, "approvals.used");

    const next = await queue.parked();
    assert.notEqual(next.pending_id, ticket.pending_id, "what was used is for one call");
    assert.equal(next.status, "pending");
    const acts = await queue.acts();
    const [act] = acts;
    assert.deepEqual(
      acts.map(({ tool, decision, actor }) => [tool, decision, actor]),
      [
        ["admin/decide_approval", "allow", "operator:ann"],
        ["admin/decide_approval", "block", "operator:ann"],
      ],
    );
    assert.deepEqual(act?.arg_values, {
      ...{ pending_id: ticket.pending_id, digest: ticket.digest, tool: "pay", upstream: "bank" },
      ...{ decision: "approve", claim: "ann@acme.example", status: "approved" },
      ...{ approvals_given: 1, approvals_required: 1 },
    });
    assert.equal(acts[1]?.arg_values.refusal, "approvals.used");
  });

  test(`${engine}: a reply that was lost is given again to the same event, and to no other`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const ticket = await queue.parked();
    await queue.decide(ticket.pending_id, "approve");
    const first = await queue.claim(ticket, "event-1");
    queue.plane.clock.advance(60 * MINUTE);
    const second = await queue.claim(ticket, "event-1");
    assert.deepEqual([second.status, second.text], [200, first.text]);
    assert.equal((await queue.claim(ticket, "event-2")).status, 409);
    const other = await queue.claim({ ...ticket, digest: "0".repeat(64) }, "event-1");
    assert.deepEqual([other.status, other.json.code], [409, "approvals.digest"]);
  });

  test(`${engine}: a permission for another call takes nothing`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const ticket = await queue.parked();
    await queue.decide(ticket.pending_id, "approve");
    for (const changed of [
      { arguments: { to: "eve", amount: 5 } },
      { agent_id: "other" },
      { tool: "refund" },
    ]) {
      const { digest } = parkedCall(changed);
      const refused = await queue.claim({ ...ticket, digest });
      assert.deepEqual(
        [refused.status, refused.json.code, refused.json.status],
        [...[409, "approvals.digest", "approved"]],
      );
    }
    const renewed = parkedCall({ policy_sha256: "6".repeat(64), policy_revision: 2 });
    assert.notEqual((await queue.parked(renewed)).pending_id, ticket.pending_id, "another policy asks anew");
    assert.equal((await queue.claim(ticket)).status, 200);
  });

  test(`${engine}: a rejection stands for as long as a call waits for people, and then the call may be parked anew`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const { clock } = queue.plane;
    const ticket = await queue.parked();
    assert.equal((await queue.decide(ticket.pending_id, "reject", BOB, { note: "No." })).status, 204);
    const rejected = (await queue.ticket(ticket.pending_id)).json;
    assert.deepEqual(
      [rejected.status, rejected.decided_by, rejected.reason],
      ["rejected", "operator:bob", "No."],
    );
    clock.advance(59 * MINUTE);
    assert.deepEqual((await queue.park()).json, rejected);
    assert.equal((await queue.claim(ticket)).json.code, "approvals.rejected");
    assert.equal((await queue.decide(ticket.pending_id, "approve")).json.code, "approvals.rejected");
    clock.advance(MINUTE);
    const anew = await queue.parked();
    assert.equal(anew.status, "pending");
    assert.notEqual(anew.pending_id, ticket.pending_id);
  });

  test(`${engine}: what is past its time has expired before anybody wrote it down, and is written down once`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const { clock } = queue.plane;
    const undecided = await queue.parked();
    const unused = await queue.parked(parkedCall({ tool: "refund" }));
    clock.advance(50 * MINUTE);
    await queue.decide(unused.pending_id, "approve");
    clock.advance(10 * MINUTE);
    assert.equal((await queue.ticket(undecided.pending_id)).json.status, "expired");
    assert.equal((await queue.view(undecided.pending_id)).json.status, "expired");
    const late = await queue.decide(undecided.pending_id, "approve");
    assert.deepEqual([late.status, late.json.code], [409, "approvals.expired"]);
    assert.equal(late.json.error, "Nobody decided in time.");
    assert.equal((await queue.ticket(unused.pending_id)).json.status, "approved");
    clock.advance(5 * MINUTE);
    const unusable = await queue.claim(unused);
    assert.deepEqual([unusable.status, unusable.json.code], [409, "approvals.expired"]);
    assert.equal(unusable.json.error, "The approval was not used in time.");

    await queue.sweep();
    await queue.sweep();
    const expired = (await queue.acts()).filter(({ tool }) => tool === "admin/expire_approval");
    assert.deepEqual(
      expired.map(({ actor, arg_values }) => [actor, arg_values.pending_id, arg_values.was]),
      [
        ["control-plane", undecided.pending_id, "pending"],
        ["control-plane", unused.pending_id, "approved"],
      ],
    );
    assert.equal((await queue.ticket(undecided.pending_id)).json.status, "expired");
  });

  test(`${engine}: a call whose approval expired is parked anew at once, and the old one is told of once`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const ticket = await queue.parked();
    queue.plane.clock.advance(60 * MINUTE);
    const anew = await queue.parked();
    assert.notEqual(anew.pending_id, ticket.pending_id);
    assert.equal(anew.status, "pending");
    await queue.sweep();
    assert.deepEqual(
      (await queue.acts()).map(({ tool, arg_values }) => [tool, arg_values.pending_id]),
      [["admin/expire_approval", ticket.pending_id]],
    );
  });

  test(`${engine}: what was parked, decided and used is so after a restart`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const [waiting, approved, used] = [
      await queue.parked(),
      await queue.parked(parkedCall({ tool: "refund" })),
      await queue.parked(parkedCall({ tool: "transfer" })),
    ];
    for (const { pending_id } of [approved, used]) await queue.decide(pending_id, "approve");
    await queue.claim(used);
    const after = await queue.replica();
    const { credential: token } = queue;
    for (const [{ pending_id }, status] of [
      [waiting, "pending"],
      [approved, "approved"],
      [used, "used"],
    ] as const) {
      const path = `/v1/sidecar/approvals/${pending_id}`;
      assert.equal((await after.request("GET", path, { token })).json.status, status);
    }
    const path = `/v1/sidecar/approvals/${approved.pending_id}/claim`;
    const body = { digest: approved.digest, event_id: "event-9" };
    assert.equal((await after.request("POST", path, { token, body })).status, 200);
    assert.equal((await queue.claim(approved, "event-8")).status, 409);
  });

  test(`${engine}: people outside are told what waits, what was decided and what expired, and never the arguments`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const { parts, nouns, actor, clock } = queue.plane;
    const told: Notice[] = [];
    const units = createUnits({
      ...{ database: parts.database, clock, newId: parts.newId, journal },
      outbox: { keep: async (_, notices) => void told.push(...notices), committed: () => {} },
      announcer: { prepare: async () => {}, committed: () => {} },
    });
    const park = (tool: string) =>
      units.commit(actor, (unit) =>
        nouns.approvals.park(unit, { tenant: "acme", id: "s" }, parkedCall({ tool })),
      );
    const [one, two] = [await park("pay"), await park("refund")];
    await park("pay");
    const verdict = { decision: "reject", reason: "No.", claim: "", isAdmin: false } as const;
    const name = { tenant: "acme", id: one.pending_id };
    await units.commit({ ...actor, name: "ann" }, (unit) => nouns.approvals.decide(unit, name, verdict));
    clock.advance(60 * MINUTE);
    await units.commit(actor, (unit) => nouns.approvals.expireSome(unit));
    assert.deepEqual(
      told.map(({ tenant, type, data }) => [tenant, type, data.pending_id]),
      [
        ["acme", "approval.pending", one.pending_id],
        ["acme", "approval.pending", two.pending_id],
        ["acme", "approval.decided", one.pending_id],
        ["acme", "approval.expired", two.pending_id],
      ],
    );
    const { created_at, expires_at } = one;
    assert.deepEqual(told[2]?.data, {
      ...{ pending_id: one.pending_id, agent_id: "robot", tool: "pay", upstream: "bank" },
      ...{ escalating_rule: "payments", created_at, expires_at, decision: "reject", decided_by: "ann" },
    });
    assert.ok(!JSON.stringify(told).includes('"ada"'));
    assert.ok(
      !(await queue.plane.request("GET", "/v1/admin/audit?tenant=acme&limit=1000")).text.includes('"ada"'),
    );
  });

  test(`${engine}: what an agent put into a call is forgotten thirty days after it was settled, and not before`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const { clock } = queue.plane;
    await queue.rules({ pending_seconds: 604_800 });
    const settled = await queue.parked();
    await queue.decide(settled.pending_id, "reject");
    clock.advance(30 * 24 * 60 * MINUTE - 1);
    const waiting = await queue.parked(parkedCall({ tool: "refund" }));
    await queue.sweep();
    assert.deepEqual((await queue.view(settled.pending_id)).json.arguments, { to: "ada", amount: 5 });
    clock.advance(1);
    await queue.sweep();
    const { json } = await queue.view(settled.pending_id);
    assert.deepEqual([json.arguments, json.arguments_erased, json.intent_summary], [{}, true, ""]);
    assert.deepEqual([json.digest, json.decided_by], [settled.digest, "operator:ann"]);
    assert.deepEqual((await queue.view(waiting.pending_id)).json.arguments, { to: "ada", amount: 5 });
  });
}
