import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@postern/fault";
import { answers, type Script, scriptedServer } from "@postern/testkit";
import { createSidecarClient } from "./index.ts";

const { signal } = new AbortController();

async function collect(states: AsyncIterable<{ id: string; sealed: string }>) {
  const found: string[] = [];
  for await (const { id, sealed } of states) found.push(`${id} ${sealed}`);
  return found;
}

const isFault = (kind: string, code: string) => (caught: unknown) =>
  caught instanceof Fault && caught.kind === kind && caught.code === code;

test("states arrive in order with their ids, and the stream goes on where it is told to", async (t) => {
  const server = await scriptedServer(t, (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("event: state\nid: k1.p0.r0\ndata: sealed-1\n\n: ping\n\nevent: other\ndata: x\n\n");
    response.end("event: state\nid: k1.p1.r0\ndata: sealed-2\n\n");
  });
  const client = createSidecarClient({ url: server.url, credential: "c" });
  assert.deepEqual(await collect(client.states({ lastEventId: "k0.p0.r0", signal })), [
    "k1.p0.r0 sealed-1",
    "k1.p1.r0 sealed-2",
  ]);
  assert.equal(server.seen[0]?.headers["last-event-id"], "k0.p0.r0");
  assert.equal(server.seen[0]?.headers.authorization, "Bearer c");
});

test("a stream that falls silent is broken", async (t) => {
  const server = await scriptedServer(t, (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("event: state\nid: 1\ndata: a\n\n");
  });
  const client = createSidecarClient({ url: server.url, credential: "c", silenceMs: 100 });
  await assert.rejects(collect(client.states({ signal })), isFault("unavailable", "client.timeout"));
});

test("leaving the stream ends its connection", async (t) => {
  const closed = Promise.withResolvers<void>();
  const server = await scriptedServer(t, (_request, response) => {
    response.on("close", closed.resolve);
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("event: state\nid: 1\ndata: a\n\n");
  });
  const client = createSidecarClient({ url: server.url, credential: "c" });
  for await (const _state of client.states({ signal })) break;
  await closed.promise;
});

const broken: { name: string; script: Script; kind: string; code: string }[] = [
  {
    name: "a refused credential",
    script: answers(401, { error: "no" }),
    kind: "unauthenticated",
    code: "client.refused",
  },
  { name: "a server in trouble", script: answers(503, "busy"), kind: "unavailable", code: "client.refused" },
  {
    name: "a cut stream",
    script: (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("event: state\nid: 1\ndata: a\n\n", () => response.destroy());
    },
    kind: "unavailable",
    code: "client.unreachable",
  },
];
for (const { name, script, kind, code } of broken)
  test(`${name} ends the states with ${code}`, async (t) => {
    const { url } = await scriptedServer(t, script);
    const client = createSidecarClient({ url, credential: "c" });
    await assert.rejects(collect(client.states({ signal })), isFault(kind, code));
  });

test("a fired signal ends the states", async (t) => {
  const controller = new AbortController();
  const { url } = await scriptedServer(t, (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("event: state\nid: 1\ndata: a\n\n");
  });
  const client = createSidecarClient({ url, credential: "c" });
  const reading = async () => {
    for await (const _state of client.states({ signal: controller.signal })) controller.abort();
  };
  await assert.rejects(reading(), isFault("unavailable", "client.cancelled"));
});

test("register, leases, logins, tools and audit speak the contract", async (t) => {
  const replies: Record<string, unknown> = {
    "/v1/sidecar/register": { sidecar_id: "s1", tenant: "acme", epoch: 3 },
    "/v1/sidecar/leases": { lease_id: "l1", granted: 5, ttl_ms: 1000, remaining: 0 },
    "/v1/sidecar/tools": { refused: [] },
    "/v1/sidecar/audit": { acknowledgements: ["sealed"] },
    "/v1/sidecar/leases/return": undefined,
    "/v1/sidecar/login": { sealed: "v4.public.x" },
    "/v1/sidecar/memory-keys": { memory_signing_key: "A".repeat(43) },
    "/v1/sidecar/exchange": { token: "v4.public.y", expires_at: "2026-01-01T00:00:00.000Z" },
  };
  const { url } = await scriptedServer(t, (request, response) => {
    const reply = replies[request.url];
    response.writeHead(reply === undefined ? 204 : 200).end(reply === undefined ? "" : JSON.stringify(reply));
  });
  const client = createSidecarClient({ url, credential: "c" });
  assert.equal((await client.register({ version: "0.1.0" })).epoch, 3);
  const lease = await client.lease({ epoch: 3, account: "calls:j1", limit: 10, want: 5 });
  assert.equal(lease.granted, 5);
  const seen = { upstream: "files", tool: "read", digest: "0".repeat(64), definition: { name: "read" } };
  assert.deepEqual(await client.reportTools({ upstreams: ["files"], tools: [seen] }), { refused: [] });
  await client.returnLease({ lease_id: "l1", unspent: 2 });
  assert.deepEqual(await client.login(), { sealed: "v4.public.x" });
  const asked = { access_token: "a.b.c", resource: "https://sidecar.example/v1/mcp" };
  assert.equal((await client.exchangeToken(asked)).token, "v4.public.y");
  assert.equal((await client.memoryKey({ jti: "j1" })).memory_signing_key, "A".repeat(43));
  const record = { sequence: 1, hash: "0".repeat(64), body: { kind: "outcome", event_id: "e1" } } as never;
  const batch = { epoch: 3, previous_hash: "0".repeat(64), records: [record] };
  assert.deepEqual(await client.sendAudit(JSON.stringify(batch)), { acknowledgements: ["sealed"] });
});

test("a reply of another shape is malformed, not believed", async (t) => {
  const { url } = await scriptedServer(
    t,
    answers(200, { lease_id: "l1", granted: -5, ttl_ms: 1, remaining: 0 }),
  );
  const client = createSidecarClient({ url, credential: "c" });
  const asked = client.lease({ epoch: 3, account: "calls:j1", limit: 10, want: 5 });
  await assert.rejects(asked, isFault("upstream", "client.malformed"));
});

test("a bundle is fetched by a digest and nothing else", async (t) => {
  const server = await scriptedServer(t, (_request, response) => response.end(Buffer.from([0, 255])));
  const client = createSidecarClient({ url: server.url, credential: "c" });
  const digest = "a".repeat(64);
  assert.deepEqual([...(await client.bundle(digest))], [0, 255]);
  assert.equal(server.seen[0]?.url, `/v1/sidecar/bundles/${digest}`);
  await assert.rejects(client.bundle("../../admin/keys"));
  assert.equal(server.seen.length, 1);
});

test("a claim is answered with the ticket, whether it was taken or refused, and anything else is a fault", async (t) => {
  const at = "2026-01-01T00:00:00.000Z";
  const ticket = {
    ...{ pending_id: "a1", status: "used", digest: "0".repeat(64), created_at: at, expires_at: at },
    ...{ decided_by: "ann", decided_at: at, reason: "" },
  };
  const claim = { digest: ticket.digest, event_id: "event-1" };
  const asked = async (script: Script) => {
    const server = await scriptedServer(t, script);
    const client = createSidecarClient({ url: server.url, credential: "c" });
    const found = await client.claimApproval("../a1", claim);
    const [seen] = server.seen;
    assert.equal(`${seen?.method} ${seen?.url}`, "POST /v1/sidecar/approvals/..%2Fa1/claim");
    assert.deepEqual(JSON.parse(seen?.body ?? ""), claim);
    return found;
  };
  assert.deepEqual(await asked(answers(200, ticket)), { isTaken: true, ticket });
  const refused = { ...ticket, error: "It was used.", code: "approvals.used" };
  assert.deepEqual(await asked(answers(409, refused)), { isTaken: false, ticket });
  await assert.rejects(asked(answers(409, { error: "no" })), isFault("upstream", "client.malformed"));
  await assert.rejects(asked(answers(200, "{")), isFault("upstream", "client.malformed"));
  const gone = { error: "gone", code: "approvals.unknown" };
  await assert.rejects(asked(answers(404, gone)), isFault("not_found", "approvals.unknown"));
});
