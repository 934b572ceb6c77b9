// What a sidecar may park, ask and take: nothing of another tenant's, nothing that is not what it says, and no more than people can read.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createSidecarClient } from "@postern/client";
import { type JsonObject, PARKED_ARGUMENTS_BYTES_MAX } from "@postern/contracts";
import { defer } from "@postern/testkit";
import { ENGINES, type TestAnswer } from "../../control-plane.fixture.ts";
import { parkedCall } from "../../domain/approvals/parked-call.fixture.ts";
import { createQueue } from "../../domain/approvals/queue.fixture.ts";
import { listen } from "../../listener.ts";

for (const engine of ENGINES) {
  test(`${engine}: a digest that is not the call's is refused, whatever differs`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const call = parkedCall();
    for (const changed of [
      { arguments: { to: "eve", amount: 5 } },
      { agent_id: "other" },
      { tool: "refund" },
      { method: "resources/read" },
      { upstream: "other" },
      { policy_sha256: "6".repeat(64) },
      { digest: "0".repeat(64) },
    ]) {
      const refused = await queue.park({ ...call, ...changed });
      assert.deepEqual(
        [refused.status, refused.json.code],
        [400, "approvals.digest"],
        JSON.stringify(changed),
      );
      assert.match(refused.json.error, /^body\.digest: /);
    }
    const foreign = await queue.park(parkedCall({ tenant: "beta" }));
    assert.deepEqual([foreign.status, foreign.json.code], [400, "approvals.digest"]);
    const list = await queue.plane.request("GET", "/v1/admin/approvals");
    assert.deepEqual(list.json.items, []);
  });

  test(`${engine}: another tenant's approvals are as unknown as those that never were`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const beta = await queue.sidecarOf("beta");
    const ticket = await queue.parked();
    await queue.decide(ticket.pending_id, "approve");
    const never = { ...ticket, pending_id: "never" };
    for (const [asked, nothing] of [
      [await queue.ticket(ticket.pending_id, beta), await queue.ticket("never", beta)],
      [await queue.claim(ticket, "event-1", beta), await queue.claim(never, "event-1", beta)],
    ] as const) {
      assert.deepEqual([asked.status, asked.json.code], [404, "approvals.unknown"]);
      assert.deepEqual([asked.status, asked.text], [nothing.status, nothing.text]);
    }
    const own = await queue.park(parkedCall({ tenant: "beta" }), beta);
    assert.equal(own.json.status, "pending", "the same call of another tenant is another call");
    assert.equal((await queue.claim(ticket)).status, 200);
    const second = await queue.sidecarOf("acme");
    assert.equal((await queue.ticket(ticket.pending_id, second)).json.status, "used");
  });

  test(`${engine}: arguments that a person cannot be shown are refused, and what is odd but sound comes back as it was`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const parkText = (argumentsJson: string) => {
      const body = JSON.stringify(parkedCall()).replace('{"to":"ada","amount":5}', argumentsJson);
      return queue.plane.request("POST", "/v1/sidecar/approvals", {
        ...{ token: queue.credential, body },
      });
    };
    const nested = (depth: number) => `{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    for (const [text, status] of [
      ['{"a":"\\ud800"}', 400],
      ['{"\\udc00":1}', 400],
      ['{"a":"\\u0000"}', 400],
      ['{"__proto__":{"isAdmin":true}}', 400],
      ['{"a":{"__proto__":1}}', 400],
      ['{"a":1e400}', 400],
      ['{"a":1,"a":2}', 400],
      ["[]", 400],
      ["null", 400],
      [nested(100), 400],
      [nested(50_000), 400],
      [`{"a":"${"x".repeat(2 * 1_048_576)}"}`, 413],
    ] as const) {
      const refused = await parkText(text);
      assert.equal(refused.status, status, `${text.slice(0, 40)}: ${refused.text}`);
    }

    const fill = (bytes: number) => ({ a: "é".repeat((bytes - '{"a":""}'.length) / 2) });
    const largest = await queue.park(parkedCall({ arguments: fill(PARKED_ARGUMENTS_BYTES_MAX) }));
    assert.equal(largest.status, 200);
    const tooLarge = await queue.park(parkedCall({ arguments: fill(PARKED_ARGUMENTS_BYTES_MAX + 2) }));
    assert.deepEqual([tooLarge.status, tooLarge.json.code], [413, "approvals.too_large"]);

    const sound: JsonObject[] = [
      {},
      { "": "", constructor: 1, toString: null, hasOwnProperty: [] },
      { n: [0, 5e-324, 1.7976931348623157e308, 9007199254740991, 1e21], t: "𝄞é\u0301\uffff\u202e" },
      JSON.parse(nested(50)) as JsonObject,
    ];
    for (const args of sound) {
      const { json } = await queue.park(parkedCall({ arguments: args, tool: "odd" }));
      assert.deepEqual((await queue.view(json.pending_id)).json.arguments, args);
    }
  });

  test(`${engine}: neither an agent nor all of them bury people in questions`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const call = (agent: number, n: number) =>
      parkedCall({ agent_id: `robot-${agent}`, arguments: { n }, intent_summary: "" });
    const first = await queue.parked(call(0, 0));
    for (let n = 1; n < 50; n += 1) await queue.parked(call(0, n));
    const refused = await queue.park(call(0, 50));
    assert.deepEqual([refused.status, refused.json.code], [429, "approvals.too_many"]);
    assert.equal(refused.headers.get("retry-after"), "5");
    assert.deepEqual((await queue.park(call(0, 0))).json, first, "a call that is parked already is heard");
    await queue.decide(first.pending_id, "reject");
    assert.equal((await queue.park(call(0, 50))).status, 200);

    for (let agent = 1; agent < 20; agent += 1) {
      const parking = Array.from({ length: 50 }, (_, n): Promise<TestAnswer> => queue.park(call(agent, n)));
      const parked: TestAnswer[] = await Promise.all(parking);
      assert.ok(parked.every(({ status }) => status === 200));
    }
    assert.equal((await queue.park(call(20, 0))).status, 429);
    const own = await queue.plane.request("GET", "/v1/admin/tenants");
    const waiting = own.json.map((row: { name: string; pending_approvals: number }) => [
      ...[row.name, row.pending_approvals],
    ]);
    assert.deepEqual(waiting, [
      ["acme", 1_000],
      ["beta", 0],
      ["default", 0],
    ]);
    const page = await queue.plane.request("GET", "/v1/admin/approvals?limit=1000");
    assert.equal(page.json.items.length, 1_000);
    assert.equal(page.json.next_cursor, undefined);
    const beta = await queue.sidecarOf("beta");
    assert.equal((await queue.park(parkedCall({ tenant: "beta" }), beta)).status, 200);

    queue.plane.clock.advance(3_600_000);
    assert.equal((await queue.park(call(20, 0))).status, 200, "what has expired waits no longer");
    await queue.sweep();
    const expired = (await queue.acts()).filter(({ tool }) => tool === "admin/expire_approval");
    assert.ok(expired.length >= 999, `${expired.length}`);
  });

  test(`${engine}: the client parks, asks and takes over the wire, and a refused claim is an answer`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const listener = await listen(queue.plane.app, { host: "127.0.0.1", port: 0 });
    defer(t, () => listener.close(0));
    const client = createSidecarClient({ url: listener.url, credential: queue.credential });
    const ticket = await client.parkCall(parkedCall());
    assert.deepEqual(await client.approval(ticket.pending_id), ticket);
    const claim = { digest: ticket.digest, event_id: "event-1" };
    assert.deepEqual(await client.claimApproval(ticket.pending_id, claim), { isTaken: false, ticket });
    await queue.decide(ticket.pending_id, "approve");
    const taken = await client.claimApproval(ticket.pending_id, claim);
    assert.deepEqual([taken.isTaken, taken.ticket.status], [true, "used"]);
    await assert.rejects(client.approval("never"), { kind: "not_found", code: "approvals.unknown" });
    await assert.rejects(client.claimApproval("never", claim), { code: "approvals.unknown" });
    await assert.rejects(client.parkCall({ ...parkedCall(), tool: "other" }), { code: "approvals.digest" });
  });
}
