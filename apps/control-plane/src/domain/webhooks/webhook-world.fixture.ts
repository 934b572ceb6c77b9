// A control plane with webhooks, on a clock that starts at the real time: the verifier refuses messages that are five minutes old.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { silentLogger } from "@postern/telemetry";
import { fixedClock } from "@postern/testkit";
import { Webhook as Verifier } from "standardwebhooks";
import { ACME, type Engine, type TestAnswer, testPlane } from "../../control-plane.fixture.ts";
import { createWebhookDelivery } from "../../workers/deliver-webhooks.ts";
import type { Notice } from "../unit.ts";
import type { Received } from "./receiver.fixture.ts";
import { createWebhookSender, type WebhookSenderOptions } from "./sender.ts";

export const NOTICE: Notice = { tenant: "acme", type: "approval.pending", data: { approval_id: "a-1" } };

type Json = TestAnswer["json"];

/** undefined when the engine cannot be had here; the test is skipped then. */
export async function webhookWorld(t: TestContext, engine: Engine, send: Partial<WebhookSenderOptions> = {}) {
  const clock = fixedClock(Date.now());
  const webhookSender = createWebhookSender({ mayBePrivate: true, timeoutMs: 1_000, ...send });
  const plane = await testPlane(t, engine, { clock, webhookSender });
  if (plane === undefined) return undefined;
  const { nouns, units, actor } = plane;
  const ports = { webhooks: nouns.webhooks, units, actor, clock, log: silentLogger };
  const delivery = createWebhookDelivery(ports);
  const admin = (method: string, path: string, body?: object, token = ACME) =>
    plane.request(method, `/v1/admin/webhooks${path}`, { token, ...(body !== undefined && { body }) });
  return {
    plane: { ...plane, clock },
    ports,
    delivery,
    admin,
    async add(url: string, events: readonly string[] = ["approval.pending"], token = ACME) {
      const made = await admin("POST", "", { url, events }, token);
      assert.equal(made.status, 201, made.text);
      return { id: String(made.json.id), secret: String(made.json.secret) };
    },
    notify: (notice: Notice = NOTICE) => units.commit(actor, async (unit) => unit.notify(notice)),
    async deliver() {
      delivery.wake();
      await delivery.idle();
    },
    async deliveriesOf(id: string, query = ""): Promise<readonly Json[]> {
      return (await admin("GET", `/${id}/deliveries${query}`)).json.items;
    },
    async eventsOf(tool: string): Promise<readonly Json[]> {
      const { json } = await plane.request("GET", `/v1/admin/audit?tenant=acme&tool=admin/${tool}`);
      return json.items;
    },
  };
}

/** What the message says, if the signature is right. */
export const verified = (secret: string, { body, headers }: Received) =>
  new Verifier(secret).verify(body, headers as Record<string, string>) as Record<string, unknown>;

export const only = <T>(items: readonly T[]): T => {
  assert.equal(items.length, 1);
  return items[0] as T;
};
