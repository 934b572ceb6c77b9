// Of two who want the same parked call at the same moment one comes first, whichever replica they ask.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ENGINES, type TestAnswer } from "../../control-plane.fixture.ts";
import { expireApprovals } from "../../workers/expire-approvals.ts";
import { parkedCall } from "./parked-call.fixture.ts";
import { ANN, BOB, CAT, createQueue } from "./queue.fixture.ts";

const statuses = (answers: readonly { status: number }[]) => answers.map(({ status }) => status).sort();

for (const engine of ENGINES) {
  test(`${engine}: of two who decide at once one is heard and the other is told how it stands`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const other = await queue.replica();
    for (let round = 0; round < 5; round += 1) {
      const { pending_id: id } = await queue.parked(parkedCall({ tool: `pay-${round}` }));
      const path = `/v1/admin/approvals/${id}/decide`;
      const answers: TestAnswer[] = await Promise.all([
        queue.decide(id, "approve", ANN),
        other.request("POST", path, { token: BOB, body: { decision: "reject" } }),
      ]);
      assert.deepEqual(statuses(answers), [204, 409]);
      const stands: string = (await queue.ticket(id)).json.status;
      assert.equal(answers.find(({ status }) => status === 409)?.json.code, `approvals.${stands}`);
      assert.equal(stands, answers[0]?.status === 204 ? "approved" : "rejected");
    }
  });

  test(`${engine}: where two must agree, two who decide at once are both heard, and a third is not`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    await queue.rules({ approvers_required: 2 });
    const { pending_id: id } = await queue.parked();
    const answers = await Promise.all([ANN, BOB, CAT].map((token) => queue.decide(id, "approve", token)));
    assert.deepEqual(statuses(answers), [204, 204, 409]);
    const decided = (await queue.view(id)).json;
    assert.deepEqual([decided.status, decided.approvals_given], ["approved", 2]);
  });

  test(`${engine}: of twenty who take an approval at once exactly one has it`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const other = await queue.replica();
    const ticket = await queue.parked();
    await queue.decide(ticket.pending_id, "approve");
    const { credential: token } = queue;
    const path = `/v1/sidecar/approvals/${ticket.pending_id}/claim`;
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        (n % 2 === 0 ? queue.plane : other).request("POST", path, {
          ...{ token, body: { digest: ticket.digest, event_id: `event-${n}` } },
        }),
      ),
    );
    const winners = answers.flatMap(({ status }, n) => (status === 200 ? [`event-${n}`] : []));
    assert.equal(winners.length, 1);
    assert.equal((await queue.view(ticket.pending_id)).json.used_event_id, winners[0]);
    for (const { status, json } of answers)
      assert.ok(
        status === 200 || (status === 409 && json.code === "approvals.used" && json.status === "used"),
      );
  });

  test(`${engine}: deciding, expiring on two replicas and revoking the token at once leave one outcome, told once`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const other = await queue.replica();
    const { clock } = queue.plane;
    const tickets = [];
    for (let n = 0; n < 8; n += 1) tickets.push(await queue.parked(parkedCall({ tool: `pay-${n}` })));
    clock.advance(3_600_000 - 1);
    await Promise.all([
      ...tickets.map(({ pending_id }) => queue.decide(pending_id, "approve", ANN)),
      ...tickets.map((_, n) =>
        queue.plane.request("POST", "/v1/admin/revoke", { body: { jti: `token-${n}`, tenant: "acme" } }),
      ),
      Promise.resolve().then(() => clock.advance(1)),
      queue.sweep(),
      expireApprovals(other.nouns, other.units, other.actor),
    ]);
    await queue.sweep();
    const acts = await queue.acts();
    for (const { pending_id } of tickets) {
      const status: string = (await queue.ticket(pending_id)).json.status;
      assert.ok(status === "approved" || status === "expired", status);
      const told = acts.filter(
        ({ arg_values, decision }) => arg_values.pending_id === pending_id && decision === "allow",
      );
      assert.deepEqual(
        told.map(({ tool }) => tool),
        [status === "approved" ? "admin/decide_approval" : "admin/expire_approval"],
      );
    }
    const revoked = await queue.plane.request("GET", "/v1/admin/revocations?tenant=acme");
    assert.equal(revoked.json.items.length, 8);
    const verified = await queue.plane.request("GET", "/v1/admin/audit/verify?tenant=acme");
    assert.equal(verified.json.verified, true);
  });

  test(`${engine}: the same call parked by many sidecars at once is parked once`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const answers = await Promise.all(Array.from({ length: 10 }, () => queue.park()));
    assert.deepEqual(new Set(statuses(answers)), new Set([200]));
    assert.equal(new Set(answers.map(({ json }) => json.pending_id)).size, 1);
  });
}
