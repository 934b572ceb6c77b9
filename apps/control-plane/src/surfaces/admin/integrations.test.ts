// Where events go, as document 001 shows it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ACME, BETA } from "../../control-plane.fixture.ts";
import { receiver } from "../../domain/webhooks/receiver.fixture.ts";
import { webhookWorld } from "../../domain/webhooks/webhook-world.fixture.ts";

test("integrations tell what arrives and what does not, each tenant its own, without a secret", async (t) => {
  const world = await webhookWorld(t, "embedded");
  assert.ok(world !== undefined);
  const there = await receiver(t);
  const { id } = await world.add(`${there.url}?key=secret`);
  await world.add("https://hooks.example/", ["halt.engaged"], BETA);
  await world.notify();
  await world.deliver();
  const rowsOf = async (query = "", token?: string) => {
    const answered = await world.plane.request("GET", `/v1/admin/integrations${query}`, {
      ...(token !== undefined && { token }),
    });
    assert.ok(!answered.text.includes("secret"));
    return answered.json as { name: string; configured: boolean }[];
  };
  const isWebhook = ({ name }: { name: string }) => name.startsWith("webhook:");
  assert.deepEqual((await rowsOf("", ACME)).filter(isWebhook), [
    {
      ...{ name: `webhook:${id}`, configured: true, endpoint: there.url },
      last_flush_ts: new Date(world.plane.clock.nowMs()).toISOString(),
      ...{ events_flushed: 1, events_dropped: 0, last_error: "" },
    },
  ]);
  assert.equal((await rowsOf()).filter(isWebhook).length, 2);
  assert.equal((await rowsOf("?tenant=beta")).filter(isWebhook).length, 1);
  const kinds = (await rowsOf("", BETA)).filter((row) => !isWebhook(row));
  assert.deepEqual(new Set(kinds.map(({ configured }) => configured)), new Set([false]));
});
