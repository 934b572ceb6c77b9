// Webhooks from the commit of what they tell to a receiver that checks them with somebody else's code.
import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "@postern/telemetry";
import { ACME, BETA, ENGINES, planeOver, testPlane } from "../../control-plane.fixture.ts";
import { createWebhookDelivery } from "../../workers/deliver-webhooks.ts";
import { pruneWebhooks } from "../../workers/prune-webhooks.ts";
import { waitMs } from "./attempt.ts";
import { FAIL_FOR_MS, KEEP_MS, LEASE_MS, TRY_FOR_MS } from "./model.ts";
import { type Received, receiver, status } from "./receiver.fixture.ts";
import { NOTICE, only, verified, webhookWorld } from "./webhook-world.fixture.ts";

const HOUR_MS = 3_600_000;

for (const engine of ENGINES) {
  test(`${engine}: a notice reaches every webhook of its tenant that wants its type, signed, and no other one`, async (t) => {
    const world = await webhookWorld(t, engine);
    if (world === undefined) return;
    const [wants, alsoWants, wantsOther, foreign] = await Promise.all([
      receiver(t),
      receiver(t),
      receiver(t),
      receiver(t),
    ]);
    const { id, secret } = await world.add(wants.url);
    const other = await world.add(alsoWants.url, ["halt.engaged", "approval.pending"]);
    await world.add(wantsOther.url, ["halt.engaged"]);
    await world.add(foreign.url, ["approval.pending"], BETA);
    await world.notify();
    await world.deliver();
    const message = only(wants.received);
    assert.deepEqual(verified(secret, message), {
      type: "approval.pending",
      timestamp: new Date(world.plane.clock.nowMs()).toISOString(),
      data: { tenant: "acme", approval_id: "a-1" },
    });
    assert.ok(verified(other.secret, only(alsoWants.received)));
    assert.throws(() => verified(other.secret, message));
    assert.equal(message.headers["content-type"], "application/json");
    assert.deepEqual([wantsOther.received, foreign.received], [[], []]);
    const delivery = only(await world.deliveriesOf(id));
    assert.deepEqual(
      [delivery.id, delivery.type, delivery.status, delivery.attempts, delivery.response_status],
      [message.headers["webhook-id"], "approval.pending", "delivered", 1, 204],
    );
    const seen = (await world.admin("GET", `/${id}`)).json;
    assert.deepEqual([seen.delivered, seen.dropped, seen.secret, seen.last_error], [1, 0, undefined, ""]);
  });

  test(`${engine}: what a transaction that fails noticed is never sent`, async (t) => {
    const world = await webhookWorld(t, engine);
    if (world === undefined) return;
    const { url, received } = await receiver(t);
    const { id } = await world.add(url);
    const { units, actor } = world.plane;
    const failing = units.commit(actor, async (unit) => {
      unit.notify(NOTICE);
      throw new Error("undone");
    });
    await assert.rejects(failing);
    await world.deliver();
    assert.deepEqual([received, await world.deliveriesOf(id)], [[], []]);
  });

  test(`${engine}: a receiver that is down gets the same message under the same id when it is back, later each time`, async (t) => {
    const world = await webhookWorld(t, engine);
    if (world === undefined) return;
    const down = await receiver(t);
    down.answer = status(503);
    const { id, secret } = await world.add(down.url);
    await world.notify();
    await world.deliver();
    await world.deliver();
    assert.equal(down.received.length, 1);
    const waiting = only(await world.deliveriesOf(id));
    assert.deepEqual(
      [waiting.status, waiting.response_status, waiting.last_error],
      ["pending", 503, "The answer was HTTP 503."],
    );
    world.plane.clock.advance(6_000);
    await world.deliver();
    down.answer = status(200);
    world.plane.clock.advance(300_000 * 1.2);
    await world.deliver();
    assert.equal(down.received.length, 3);
    const [first, second, third] = down.received as [Received, Received, Received];
    assert.deepEqual([second.body, third.body], [first.body, first.body]);
    const ids = new Set(down.received.map(({ headers }) => headers["webhook-id"]));
    const times = down.received.map(({ headers }) => Number(headers["webhook-timestamp"]));
    assert.equal(ids.size, 1);
    assert.deepEqual(times, [...times].sort());
    assert.ok(verified(secret, first));
    assert.equal(only(await world.deliveriesOf(id)).status, "delivered");
    assert.equal((await world.admin("GET", `/${id}`)).json.failing_since, undefined);
  });

  test(`${engine}: a message is given up after three days, and a person can send it again`, async (t) => {
    const world = await webhookWorld(t, engine);
    if (world === undefined) return;
    const down = await receiver(t);
    down.answer = status(500);
    const { id } = await world.add(down.url);
    await world.notify();
    for (let hours = 0; hours <= 75; hours += 1) {
      await world.deliver();
      world.plane.clock.advance(HOUR_MS);
    }
    const failed = only(await world.deliveriesOf(id));
    assert.deepEqual([failed.status, failed.attempts], ["failed", down.received.length]);
    assert.ok(down.received.length >= 10 && down.received.length <= 13, `${down.received.length} attempts`);
    assert.equal((await world.admin("GET", `/${id}`)).json.dropped, 1);
    down.answer = status(200);
    const again = await world.admin("POST", `/${id}/deliveries/${failed.id}/retry`);
    assert.deepEqual([again.status, again.json.status, again.json.attempts], [200, "pending", 0]);
    await world.deliver();
    assert.equal(only(await world.deliveriesOf(id)).status, "delivered");
    assert.equal(only(await world.eventsOf("retry_webhook_delivery")).arg_values.delivery_id, failed.id);
  });

  test(`${engine}: a receiver that answers 410 is sent nothing more, and that is told`, async (t) => {
    const world = await webhookWorld(t, engine);
    if (world === undefined) return;
    const gone = await receiver(t);
    gone.answer = status(410);
    const { id } = await world.add(gone.url);
    await world.notify();
    await world.deliver();
    await world.notify();
    await world.deliver();
    assert.equal(gone.received.length, 1);
    const seen = (await world.admin("GET", `/${id}`)).json;
    assert.deepEqual([seen.enabled, seen.disabled_because, seen.dropped], [false, "it answered 410", 1]);
    const told = only(await world.eventsOf("disable_webhook"));
    assert.deepEqual([told.actor, told.arg_values.webhook_id], ["control-plane", id]);
    const delivery = only(await world.deliveriesOf(id));
    assert.deepEqual([delivery.status, delivery.response_status], ["failed", 410]);
    const refused = await world.admin("POST", `/${id}/deliveries/${delivery.id}/retry`);
    assert.deepEqual([refused.status, refused.json.code], [409, "webhooks.disabled"]);
    gone.answer = status(204);
    assert.equal((await world.admin("PATCH", `/${id}`, { enabled: true })).json.enabled, true);
    await world.notify();
    await world.deliver();
    assert.equal(gone.received.length, 2);
  });

  test(`${engine}: a receiver that takes nothing for days is disabled, and what waits is given up`, async (t) => {
    const world = await webhookWorld(t, engine);
    if (world === undefined) return;
    const down = await receiver(t);
    down.answer = status(500);
    const { id } = await world.add(down.url);
    for (let passedMs = 0; passedMs <= FAIL_FOR_MS + TRY_FOR_MS; passedMs += 12 * HOUR_MS) {
      await world.notify();
      await world.deliver();
      world.plane.clock.advance(12 * HOUR_MS);
    }
    const seen = (await world.admin("GET", `/${id}`)).json;
    assert.deepEqual([seen.enabled, seen.disabled_because], [false, "it took nothing for days"]);
    assert.equal((await world.eventsOf("disable_webhook")).length, 1);
    assert.deepEqual(await world.deliveriesOf(id, "?status=pending"), []);
  });

  test(`${engine}: who dies between taking a message and sending it is followed by another when the lease ends`, async (t) => {
    const world = await webhookWorld(t, engine);
    if (world === undefined) return;
    const { url, received } = await receiver(t);
    const { id } = await world.add(url);
    await world.notify();
    const { units, actor, nouns, clock } = world.plane;
    const taken = await units.commit(actor, (unit) => nouns.webhooks.lease(unit, { tenant: "acme", id }, 10));
    assert.equal(taken.length, 1);
    await world.deliver();
    assert.equal(received.length, 0);
    clock.advance(LEASE_MS);
    await world.deliver();
    assert.equal(received.length, 1);
    // The dead one comes back to life: what it says no longer counts.
    await units.commit(actor, (unit) => nouns.webhooks.settle(unit, only(taken), { status: 500 }));
    const delivery = only(await world.deliveriesOf(id));
    assert.deepEqual([delivery.status, delivery.attempts, delivery.response_status], ["delivered", 2, 204]);
    assert.equal((await world.admin("GET", `/${id}`)).json.failing_since, undefined);
  });

  test(`${engine}: two replicas send each message once`, async (t) => {
    const world = await webhookWorld(t, engine);
    if (world === undefined) return;
    const { url, received } = await receiver(t);
    const { id } = await world.add(url);
    const { nouns, units, actor, clock } = world.plane;
    const replica = await planeOver(world.plane.parts);
    const other = createWebhookDelivery({
      ...{ webhooks: replica.nouns.webhooks, units: replica.units, actor, clock, log: silentLogger },
    });
    for (let count = 0; count < 40; count += 1) await world.notify();
    world.delivery.wake();
    other.wake();
    await Promise.all([world.delivery.idle(), other.idle()]);
    const ids = received.map(({ headers }) => headers["webhook-id"]);
    assert.deepEqual([ids.length, new Set(ids).size], [40, 40]);
    const { delivered } = await units.read((db) => nouns.webhooks.find(db, { tenant: "acme", id }));
    assert.equal(delivered, 40);
  });

  test(`${engine}: a slow receiver holds up nobody else, and has few messages under way`, async (t) => {
    const world = await webhookWorld(t, engine);
    if (world === undefined) return;
    const [slow, quick] = [await receiver(t), await receiver(t)];
    const held: (() => void)[] = [];
    slow.answer = (response) => void held.push(() => response.writeHead(204).end());
    await world.add(slow.url);
    const { id } = await world.add(quick.url);
    for (let count = 0; count < 10; count += 1) await world.notify();
    world.delivery.wake();
    await Promise.all([quick.got(10), slow.got(4)]);
    assert.equal(slow.received.length, 4);
    slow.answer = status(204);
    for (const release of held) release();
    await world.delivery.idle();
    assert.equal(slow.received.length, 10);
    assert.equal((await world.deliveriesOf(id, "?status=delivered")).length, 10);
  });

  test(`${engine}: both secrets sign for a day after a rotation, and only the new one afterwards`, async (t) => {
    const world = await webhookWorld(t, engine);
    if (world === undefined) return;
    const { url, received } = await receiver(t);
    const { id, secret } = await world.add(url);
    const rotated = await world.admin("POST", `/${id}/secret`);
    assert.equal(rotated.status, 200, rotated.text);
    assert.match(rotated.json.secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
    assert.notEqual(rotated.json.secret, secret);
    await world.notify();
    await world.deliver();
    assert.ok(verified(secret, only(received)));
    assert.ok(verified(rotated.json.secret, only(received)));
    world.plane.clock.advance(24 * HOUR_MS);
    await world.notify();
    await world.deliver();
    const signatures = String(received[1]?.headers["webhook-signature"]).split(" ");
    assert.equal(signatures.length, 1);
    const stored = await world.plane.nouns.webhooks.find(world.plane.database.executor, {
      tenant: "acme",
      id,
    });
    for (const { wrapped } of stored.secrets) assert.match(wrapped, /^k4\.local-wrap\.pie\./);
    const told = await world.plane.request("GET", "/v1/admin/audit?tenant=acme");
    for (const shown of [secret, rotated.json.secret]) assert.ok(!told.text.includes(shown));
  });

  test(`${engine}: deliveries are listed page by page, the latest first, and forgotten after thirty days`, async (t) => {
    const world = await webhookWorld(t, engine);
    if (world === undefined) return;
    const { url } = await receiver(t);
    const { id } = await world.add(url);
    const made: string[] = [];
    for (let count = 0; count < 5; count += 1) {
      await world.notify();
      made.unshift(only(await world.deliveriesOf(id, "?limit=1")).id);
      world.plane.clock.advance(1);
    }
    const listed: string[] = [];
    for (let cursor = ""; ; ) {
      const page = (await world.admin("GET", `/${id}/deliveries?limit=2${cursor}`)).json;
      listed.push(...page.items.map((item: { id: string }) => item.id));
      if (page.next_cursor === undefined) break;
      cursor = `&cursor=${page.next_cursor}`;
      // What comes in between moves nothing.
      if (listed.length === 2) await world.notify();
    }
    assert.deepEqual(listed, made);
    assert.equal((await world.admin("GET", `/${id}/deliveries?cursor=nonsense`)).status, 400);
    await world.deliver();
    world.plane.clock.advance(KEEP_MS + 1);
    await pruneWebhooks(world.plane.nouns, world.plane.units, world.plane.actor);
    assert.deepEqual(await world.deliveriesOf(id), []);
  });
}

test("what is noticed goes out with the commit, without a poll", async (t) => {
  const world = await webhookWorld(t, "embedded");
  assert.ok(world !== undefined);
  const there = await receiver(t);
  await world.add(there.url);
  world.plane.onNotices(world.delivery.wake);
  await world.notify();
  await there.got(1);
  await world.delivery.stop();
  await world.notify();
  await world.delivery.idle();
  assert.equal(there.received.length, 1);
});

test("without the master key no webhook is made, and the rest of the list works", async (t) => {
  const plane = await testPlane(t, "embedded", { masterKey: undefined });
  assert.ok(plane !== undefined);
  const body = { url: "https://hooks.example/", events: ["halt.engaged"] };
  const refused = await plane.request("POST", "/v1/admin/webhooks", { token: ACME, body });
  assert.deepEqual([refused.status, refused.json.code], [503, "keys.no_master_key"]);
  assert.deepEqual((await plane.request("GET", "/v1/admin/webhooks", { token: ACME })).json, []);
});

test("a tenant has twenty webhooks at most", async (t) => {
  const world = await webhookWorld(t, "embedded");
  assert.ok(world !== undefined);
  for (let count = 0; count < 20; count += 1) await world.add("https://hooks.example/");
  const refused = await world.admin("POST", "", { url: "https://hooks.example/", events: ["halt.engaged"] });
  assert.deepEqual([refused.status, refused.json.code], [429, "webhooks.many"]);
});

test("attempts come ever later, and what failed together comes back apart", () => {
  const seconds = [1, 2, 3, 4, 5, 6, 7, 20].map((attempts) => waitMs(attempts, 0.5) / 1000);
  assert.deepEqual(seconds, [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000, 36_000]);
  assert.deepEqual([waitMs(1, 0), waitMs(1, 1)], [4_500, 5_500]);
});
