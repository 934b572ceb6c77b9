import assert from "node:assert/strict";
import { test } from "node:test";
import { type AdminClient, createAdminClient } from "./index.ts";
import { answers, scriptedServer } from "./scripted-server.fixture.ts";

const webhook = {
  ...{ id: "w1", tenant: "acme", url: "https://hooks.example/", events: ["halt.engaged"], enabled: true },
};
const delivery = { id: "d1", type: "halt.engaged", status: "failed", attempts: 3, created_at: "t" };
const elevation = {
  ...{ id: "e1", tenant: "acme", requester: "operator:alice", role: "admin", reason: "why", ttl_seconds: 60 },
  ...{ status: "pending", created_at: "t", expires_at: "t" },
};
const row = {
  ...{ name: "webhook:w1", configured: true, endpoint: "https://hooks.example/" },
  ...{ events_flushed: 1, events_dropped: 0, last_error: "" },
};
const added = { url: webhook.url, events: webhook.events };
const asked = { reason: "why", role: "admin", ttl_seconds: 60 } as const;

const calls: [
  run: (client: AdminClient) => Promise<unknown>,
  request: string,
  body: unknown,
  reply: unknown,
][] = [
  [(c) => c.webhooks({ tenant: "acme" }), "GET /v1/admin/webhooks?tenant=acme", undefined, [webhook]],
  [(c) => c.webhook("../keys"), "GET /v1/admin/webhooks/..%2Fkeys", undefined, webhook],
  [(c) => c.addWebhook(added), "POST /v1/admin/webhooks", added, { ...webhook, secret: "whsec_x" }],
  [
    (c) => c.changeWebhook("w1", { enabled: false }),
    "PATCH /v1/admin/webhooks/w1",
    { enabled: false },
    webhook,
  ],
  [(c) => c.removeWebhook("w1"), "DELETE /v1/admin/webhooks/w1", undefined, undefined],
  [
    (c) => c.rotateWebhookSecret("w1"),
    "POST /v1/admin/webhooks/w1/secret",
    undefined,
    { ...webhook, secret: "whsec_y" },
  ],
  [
    (c) => c.testWebhook("w1"),
    "POST /v1/admin/webhooks/w1/test",
    undefined,
    { delivered: false, response_status: 500, error: "no" },
  ],
  [
    (c) => c.webhookDeliveries("w1", { status: "failed", limit: 2 }),
    "GET /v1/admin/webhooks/w1/deliveries?status=failed&limit=2",
    undefined,
    { items: [delivery], next_cursor: "c" },
  ],
  [
    (c) => c.retryWebhookDelivery("w1", "d1"),
    "POST /v1/admin/webhooks/w1/deliveries/d1/retry",
    undefined,
    delivery,
  ],
  [
    (c) => c.stepUp("j1", { tenant: "acme" }),
    "POST /v1/admin/step-up",
    { jti: "j1", tenant: "acme" },
    { token: "v4.public.x", jti: "j1" },
  ],
  [(c) => c.integrations(), "GET /v1/admin/integrations", undefined, [row]],
  [
    (c) => c.elevations({ status: "pending" }),
    "GET /v1/admin/elevations?status=pending",
    undefined,
    { items: [elevation] },
  ],
  [(c) => c.elevation("e1"), "GET /v1/admin/elevations/e1", undefined, elevation],
  [(c) => c.requestElevation(asked), "POST /v1/admin/elevations", asked, elevation],
  [
    (c) => c.decideElevation("e1", { decision: "approve" }),
    "POST /v1/admin/elevations/e1/decide",
    { decision: "approve" },
    elevation,
  ],
  [(c) => c.endElevation("e1"), "POST /v1/admin/elevations/e1/end", undefined, elevation],
];
for (const [run, request, body, reply] of calls)
  test(`${request} is asked as the control plane takes it`, async (t) => {
    const server = await scriptedServer(t, (_request, response) => {
      response
        .writeHead(reply === undefined ? 204 : 200)
        .end(reply === undefined ? "" : JSON.stringify(reply));
    });
    assert.deepEqual(await run(createAdminClient({ url: server.url, token: "t" })), reply);
    const [seen] = server.seen;
    assert.equal(`${seen?.method} ${seen?.url}`, request);
    assert.deepEqual(seen?.body === "" ? undefined : JSON.parse(seen?.body ?? ""), body);
  });

test("a client that acts under an elevation names it with every call", async (t) => {
  const server = await scriptedServer(t, answers(200, "[]"));
  const client = createAdminClient({ url: server.url, token: "t", elevationId: "e1" });
  await client.tenants();
  assert.equal(server.seen[0]?.headers["x-postern-elevation-id"], "e1");
});
