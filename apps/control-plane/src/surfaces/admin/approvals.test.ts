// The queue as document 001 has it, field by field, and what is ours behind that.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createAdminClient } from "@postern/client";
import { defer } from "@postern/testkit";
import { ACME, BETA, ENGINES, SUPERADMIN, type TestAnswer } from "../../control-plane.fixture.ts";
import { parkedCall } from "../../domain/approvals/parked-call.fixture.ts";
import { createQueue, type Queue, VIC } from "../../domain/approvals/queue.fixture.ts";
import { listen } from "../../listener.ts";

const path = "/v1/admin/approvals";
const list = (queue: Queue, query = "", token = ACME) =>
  queue.plane.request("GET", `${path}${query}`, { token });
const namesOf = (page: { json: { items: { tool: string }[] } }) => page.json.items.map(({ tool }) => tool);

for (const engine of ENGINES) {
  test(`${engine}: GET /v1/admin/approvals answers as the document says`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const { pending_id, created_at, expires_at } = await queue.parked();
    const answered = await list(queue, "?tenant=acme&limit=10", SUPERADMIN);
    assert.equal(answered.status, 200);
    const [item] = answered.json.items;
    const document = [
      "id",
      "tenant",
      "agent_id",
      "capability_token_id",
      "tool",
      "arguments",
      "escalating_rule",
    ];
    assert.deepEqual(Object.keys(item).slice(0, 8), [...document, "created_at"]);
    assert.deepEqual(item, {
      ...{ id: pending_id, tenant: "acme", agent_id: "robot", capability_token_id: "token.1", tool: "pay" },
      ...{ arguments: { to: "ada", amount: 5 }, escalating_rule: "payments", created_at },
      ...{ arguments_erased: false, root_capability_token_id: "token", digest: parkedCall().digest },
      ...{ method: "tools/call", upstream: "bank", reason: "Payments need a person." },
      ...{ intent_summary: "Pay Ada.", requires_step_up: false, status: "pending", expires_at },
      ...{ approvals_given: 0, approvals_required: 1, decisions: [], decided_by: "", decision_reason: "" },
      ...{ used_event_id: "", policy_revision: 1, policy_sha256: "5".repeat(64) },
      ...{ sidecar_id: item.sidecar_id, session_id: "s", request_id: "r", remote_ip: "192.0.2.1" },
    });
    assert.deepEqual((await queue.view(pending_id)).json, item);
    assert.equal("next_cursor" in answered.json, false);
    for (const query of ["?limit=0", "?limit=1001", "?cursor=x", "?status=perhaps", "?offset=1"])
      assert.equal((await list(queue, query)).status, 400, query);
    const anonymous = await list(queue, "", "wrong");
    assert.deepEqual([anonymous.status, typeof anonymous.json.error], [401, "string"]);
  });

  test(`${engine}: POST /v1/admin/approvals/{id}/decide answers as the document says`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const { pending_id } = await queue.parked();
    const example = { decision: "approve", reason: "string", decided_by: "joe@acme-corp.example" };
    const decide = (id: string, body: object, token = SUPERADMIN) =>
      queue.plane.request("POST", `${path}/${id}/decide`, { token, body });
    for (const body of [
      {},
      { ...example, decision: "perhaps" },
      { ...example, verdict: "yes" },
      { ...example, reason: "x".repeat(1_025) },
      { ...example, decided_by: "" },
    ]) {
      const refused = await decide(pending_id, body);
      assert.deepEqual([refused.status, typeof refused.json.error], [400, "string"]);
    }
    assert.equal((await decide(pending_id, example, "wrong")).status, 401);
    assert.equal((await decide("nothing", example)).status, 404);
    assert.equal((await decide(pending_id, example, BETA)).status, 404);
    const decided = await decide(pending_id, example);
    assert.deepEqual([decided.status, decided.text], [204, ""]);
    const again = await decide(pending_id, example);
    assert.deepEqual([again.status, again.json.code], [409, "approvals.approved"]);
    assert.equal(again.json.error, "This call was approved by superadmin.");
    assert.deepEqual((await queue.view(pending_id)).json.decisions, [
      {
        ...{ by: "superadmin", at: (await queue.view(pending_id)).json.decided_at, decision: "approve" },
        ...{ reason: "string", claim: "joe@acme-corp.example" },
      },
    ]);
    const called = await queue.parked(parkedCall({ tool: "refund" }));
    await decide(called.pending_id, { decision: "reject", note: "the other name" });
    assert.equal((await queue.view(called.pending_id)).json.decision_reason, "the other name");
  });

  test(`${engine}: pages are newest first, without holes and repetitions while calls are parked and decided`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const park = async (name: string) => {
      queue.plane.clock.advance(1);
      return await queue.parked(parkedCall({ tool: name }));
    };
    const tickets = [];
    for (const name of ["a", "b", "c", "d", "e"]) tickets.push(await park(name));
    const first = await list(queue, "?limit=2");
    assert.deepEqual(namesOf(first), ["e", "d"]);
    await park("late");
    await queue.decide(tickets[2]?.pending_id ?? "", "approve");
    const second = await list(queue, `?limit=2&cursor=${first.json.next_cursor}`);
    assert.deepEqual(namesOf(second), ["b", "a"], "what was decided meanwhile does not wait any more");
    assert.equal(second.json.next_cursor, undefined);
    assert.deepEqual(namesOf(await list(queue)), ["late", "e", "d", "b", "a"]);

    // A cursor is for the list that it was made for.
    const { next_cursor: cursor } = first.json;
    for (const [query, token] of [
      [`?cursor=${cursor}&status=approved`, ACME],
      [`?cursor=${cursor}`, SUPERADMIN],
      [`?cursor=${cursor}`, BETA],
      [`?cursor=${cursor}x`, ACME],
    ] as const)
      assert.equal((await list(queue, query, token)).status, 400, query);
  });

  test(`${engine}: calls that were parked in the same millisecond are all listed`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    for (let n = 0; n < 7; n += 1) await queue.parked(parkedCall({ tool: `t${n}` }));
    const seen: string[] = [];
    for (let cursor = ""; ; ) {
      const page = await list(queue, `?limit=3${cursor}`, SUPERADMIN);
      seen.push(...namesOf(page));
      if (page.json.next_cursor === undefined) break;
      cursor = `&cursor=${page.json.next_cursor}`;
    }
    assert.deepEqual(seen.sort(), ["t0", "t1", "t2", "t3", "t4", "t5", "t6"]);
  });

  test(`${engine}: the list can be asked for what stands otherwise`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const park = (tool: string) => queue.parked(parkedCall({ tool }));
    const [approved, used, rejected] = [await park("approved"), await park("used"), await park("rejected")];
    for (const { pending_id } of [approved, used]) await queue.decide(pending_id, "approve");
    await queue.decide(rejected.pending_id, "reject");
    await queue.claim(used);
    await park("pending");
    for (const status of ["approved", "used", "rejected", "pending"])
      assert.deepEqual(namesOf(await list(queue, `?status=${status}`)), [status]);
    assert.deepEqual(namesOf(await list(queue, "?status=expired")), []);
    queue.plane.clock.advance(3_600_000);
    assert.deepEqual(namesOf(await list(queue)), []);
    assert.deepEqual(namesOf(await list(queue, "?status=expired")).sort(), ["approved", "pending"]);
    await queue.sweep();
    assert.deepEqual(namesOf(await list(queue, "?status=expired")).sort(), ["approved", "pending"]);
  });

  test(`${engine}: a page holds no more arguments than a client reads, and the next one goes on`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    await queue.rules({ pending_seconds: 604_800 });
    const large = "x".repeat(65_000);
    for (let n = 0; n < 100; n += 1) {
      const call = parkedCall({ agent_id: `robot-${n % 4}`, tool: `t${n}`, arguments: { large } });
      assert.equal((await queue.park(call)).status, 200);
    }
    const first = await list(queue, "?limit=1000");
    assert.equal(first.json.items.length, 64);
    assert.ok(first.text.length < 5 * 1_048_576);
    const second = await list(queue, `?limit=1000&cursor=${first.json.next_cursor}`);
    assert.equal(new Set([...namesOf(first), ...namesOf(second)]).size, 100);
    assert.equal(second.json.next_cursor, undefined);
  });

  test(`${engine}: an approval of another tenant is not there`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const { pending_id: id } = await queue.parked();
    const decision = { decision: "approve" };
    for (const query of ["", "?tenant=acme", "?tenant=beta"]) {
      assert.deepEqual((await list(queue, query, BETA)).json, { items: [] });
      for (const [method, suffix, body] of [
        ["GET", "", undefined],
        ["POST", "/decide", decision],
      ] as const) {
        const ask = (which: string): Promise<TestAnswer> =>
          queue.plane.request(method, `${path}/${which}${suffix}${query}`, { token: BETA, body });
        const asked = await ask(id);
        const nothing = await ask("nothing");
        assert.deepEqual([asked.status, asked.json.code], [404, "approvals.unknown"]);
        assert.equal(asked.text, nothing.text);
      }
    }
    const elsewhere = `${path}/${id}?tenant=beta`;
    assert.equal(
      (await queue.plane.request("GET", elsewhere)).status,
      404,
      "a superadmin who names a tenant",
    );
    assert.equal((await queue.plane.request("GET", `${path}/${id}`)).status, 200);
    assert.equal((await queue.view(id)).json.status, "pending");
    assert.equal((await list(queue, "", VIC)).status, 200, "a viewer sees what waits");
  });
}

test("the client lists, reads and decides", async (t) => {
  const queue = await createQueue(t, "embedded");
  if (queue === undefined) return;
  const listener = await listen(queue.plane.app, { host: "127.0.0.1", port: 0 });
  defer(t, () => listener.close(0));
  const client = createAdminClient({ url: listener.url, token: ACME });
  const { pending_id: id } = await queue.parked();
  assert.deepEqual(
    (await client.approvals()).items.map(({ id: each }) => each),
    [id],
  );
  assert.equal((await client.approval(id)).status, "pending");
  await client.decideApproval(id, { decision: "reject", reason: "no", decided_by: "joe" });
  const [rejected] = (await client.approvals({ status: "rejected", limit: 5 })).items;
  assert.deepEqual([rejected?.decision_reason, rejected?.decided_by], ["no", "tenant-admin:acme"]);
  await assert.rejects(client.decideApproval(id, { decision: "approve" }), {
    ...{ kind: "conflict", code: "approvals.rejected" },
  });
});
