import assert from "node:assert/strict";
import { test } from "node:test";
import { createAdminClient } from "./index.ts";
import { answers, scriptedServer } from "./scripted-server.fixture.ts";

const halt = {
  ...{ id: "h1", tenant: "acme", scope: "agent" as const, value: "a", reason: "why", state: "on" as const },
  ...{ engaged_at: "2026-01-01T00:00:00Z", engaged_by: "superadmin" },
};

test("kill switches are listed, engaged, and released by id or by what they stop", async (t) => {
  let reply: unknown;
  const { url, seen } = await scriptedServer(t, (request, response) =>
    answers(reply === undefined ? 204 : 200, reply ?? "")(request, response),
  );
  const client = createAdminClient({ url, token: "t" });
  const line = () => [`${seen.at(-1)?.method} ${seen.at(-1)?.url}`, seen.at(-1)?.body];
  reply = { items: [halt], next_cursor: "c" };
  assert.deepEqual(await client.halts({ tenant: "acme", state: "all", limit: 2 }), reply);
  assert.deepEqual(line(), ["GET /v1/admin/kill-switch?tenant=acme&state=all&limit=2", ""]);
  reply = halt;
  const request = { scope: "agent", value: "a", reason: "why", ttl_seconds: 60, tenant: "acme" } as const;
  assert.deepEqual(await client.engageHalt(request), halt);
  assert.deepEqual(line(), ["POST /v1/admin/kill-switch", JSON.stringify(request)]);
  reply = undefined;
  await client.releaseHalt("h/1", { reason: "over" });
  assert.deepEqual(line(), ["POST /v1/admin/kill-switch/h%2F1/release", '{"reason":"over"}']);
  await client.releaseHaltOf({ scope: "tenant", tenant: "acme", reason: "over" });
  assert.deepEqual(line(), [
    "POST /v1/admin/kill-switch/release",
    '{"scope":"tenant","tenant":"acme","reason":"over"}',
  ]);
});
