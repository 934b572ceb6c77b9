// Who may decide on a parked call: the tenant's rules, looked at when somebody decides; how many must agree, as it was when it was parked.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ACME, BETA, ENGINES, SUPERADMIN } from "../../control-plane.fixture.ts";
import { parkedCall } from "./parked-call.fixture.ts";
import { ANN, BOB, CAT, createQueue, VIC } from "./queue.fixture.ts";

for (const engine of ENGINES) {
  test(`${engine}: whoever issued the token of a call may not decide on it where the tenant asks for four eyes`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const mint = (token: string) =>
      queue.plane.request("POST", "/v1/admin/mint", { token, body: { subject: "robot", tenant: "acme" } });
    const { jti } = (await mint(CAT)).json;
    const call = parkedCall({ root_token_id: jti });
    const { pending_id } = await queue.parked(call);
    await queue.rules({ four_eyes: true });
    for (const decision of ["approve", "reject"] as const) {
      const refused = await queue.decide(pending_id, decision, CAT);
      assert.deepEqual([refused.status, refused.json.code], [403, "approvals.four_eyes"]);
    }
    assert.equal((await queue.ticket(pending_id)).json.status, "pending");
    assert.equal((await queue.decide(pending_id, "approve", ANN, { decided_by: "cat" })).status, 204);
    assert.deepEqual(
      (await queue.acts()).map(({ decision, actor, arg_values }) => [
        decision,
        actor,
        arg_values.refusal ?? "",
      ]),
      [
        ["block", "operator:cat", "approvals.four_eyes"],
        ["block", "operator:cat", "approvals.four_eyes"],
        ["allow", "operator:ann", ""],
      ],
    );

    // Nobody can be told from somebody who is not known.
    const strange = await queue.parked(parkedCall({ root_token_id: "nobody-issued-this", tool: "strange" }));
    const unknown = await queue.decide(strange.pending_id, "approve", ANN);
    assert.deepEqual([unknown.status, unknown.json.code], [403, "approvals.four_eyes"]);
    await queue.rules({ four_eyes: false });
    assert.equal((await queue.decide(strange.pending_id, "approve", ANN)).status, 204);
    const own = await queue.parked(parkedCall({ root_token_id: jti, tool: "refund" }));
    assert.equal((await queue.decide(own.pending_id, "approve", CAT)).status, 204);
  });

  test(`${engine}: where the tenant asks for four eyes, nobody approves a call for a token of their own by way of another one`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const mint = async (token: string): Promise<string> => {
      const body = { subject: "robot", tenant: "acme" };
      return (await queue.plane.request("POST", "/v1/admin/mint", { token, body })).json.jti;
    };
    const [own, other] = [await mint(CAT), await mint(ACME)];
    await queue.rules({ four_eyes: true });
    const ticket = await queue.parked(parkedCall({ root_token_id: other }));
    assert.deepEqual((await queue.park(parkedCall({ root_token_id: own }))).json, ticket);
    assert.equal((await queue.decide(ticket.pending_id, "approve", CAT)).status, 204);
    const claim = (root_token_id: string | undefined) =>
      queue.plane.request("POST", `/v1/sidecar/approvals/${ticket.pending_id}/claim`, {
        token: queue.credential,
        body: { digest: ticket.digest, event_id: "event-1", root_token_id },
      });
    for (const token of [own, undefined, "nobody-issued-this"]) {
      const refused = await claim(token);
      assert.deepEqual(
        [refused.status, refused.json.code, refused.json.status],
        [...[409, "approvals.four_eyes", "approved"]],
      );
    }
    assert.equal((await claim(other)).status, 200);
  });

  test(`${engine}: a token of the same id in another tenant says nothing about who issued this one`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const foreign = await queue.plane.request("POST", "/v1/admin/mint", {
      token: BETA,
      body: { subject: "robot" },
    });
    await queue.rules({ four_eyes: true });
    const { pending_id } = await queue.parked(parkedCall({ root_token_id: foreign.json.jti }));
    assert.equal((await queue.decide(pending_id, "approve", ANN)).json.code, "approvals.four_eyes");
  });

  test(`${engine}: where two must agree, two different people do, and one who says no is enough`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    await queue.rules({ approvers_required: 2 });
    const ticket = await queue.parked();
    const id = ticket.pending_id;
    await queue.rules({ approvers_required: 1 });
    assert.equal((await queue.decide(id, "approve", ANN, { reason: "fine" })).status, 204);
    assert.equal((await queue.ticket(id)).json.status, "pending");
    for (const decision of ["approve", "reject"] as const) {
      const twice = await queue.decide(id, decision, ANN);
      assert.deepEqual([twice.status, twice.json.code], [409, "approvals.same_person"]);
    }
    assert.equal((await queue.claim(ticket)).status, 409);
    const halfway = (await queue.view(id)).json;
    assert.deepEqual([halfway.approvals_given, halfway.approvals_required], [1, 2]);
    assert.equal((await queue.decide(id, "approve", BOB)).status, 204);
    const decided = (await queue.view(id)).json;
    assert.deepEqual(
      [decided.status, decided.decided_by, decided.approvals_given],
      [...["approved", "operator:bob", 2]],
    );
    assert.deepEqual(
      decided.decisions.map((each: { by: string; decision: string; reason: string }) => [
        ...[each.by, each.decision, each.reason],
      ]),
      [
        ["operator:ann", "approve", "fine"],
        ["operator:bob", "approve", ""],
      ],
    );

    await queue.rules({ approvers_required: 2 });
    const other = await queue.parked(parkedCall({ tool: "refund" }));
    await queue.decide(other.pending_id, "approve", ANN);
    assert.equal((await queue.decide(other.pending_id, "reject", BOB)).status, 204);
    assert.equal((await queue.ticket(other.pending_id)).json.status, "rejected");
  });

  test(`${engine}: who decides needs the role that the tenant asks for`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const { pending_id: id } = await queue.parked();
    const unfit = await queue.decide(id, "approve", VIC);
    assert.deepEqual([unfit.status, unfit.json.code], [403, "admin.role"]);
    await queue.rules({ role: "admin" });
    const lesser = await queue.decide(id, "approve", ANN);
    assert.deepEqual([lesser.status, lesser.json.code], [403, "approvals.role"]);
    assert.equal((await queue.decide(id, "approve", CAT)).status, 204);
    for (const [token, tool] of [
      [ACME, "a"],
      [SUPERADMIN, "b"],
    ] as const) {
      const { pending_id } = await queue.parked(parkedCall({ tool }));
      assert.equal((await queue.decide(pending_id, "approve", token)).status, 204);
    }
    await queue.rules({ role: "approver" });
    const { pending_id } = await queue.parked(parkedCall({ tool: "c" }));
    assert.equal((await queue.decide(pending_id, "approve", ANN)).status, 204);
  });
}
