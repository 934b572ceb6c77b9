// The fleet door over a real socket: streams, budgets, limits, and what happens when a sidecar goes away.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createSidecarClient } from "@postern/client";
import { defer } from "@postern/testkit";
import { ENGINES, type Engine, type TestPlane, testPlane } from "../../control-plane.fixture.ts";
import { listen } from "../../listener.ts";

async function served(t: TestContext, engine: Engine) {
  const plane = await testPlane(t, engine);
  if (plane === undefined) return undefined;
  const listener = await listen(plane.app, { host: "127.0.0.1", port: 0 });
  defer(t, () => listener.close(0));
  const added = await plane.request("POST", "/v1/admin/sidecars", { body: { tenant: "acme" } });
  const client = createSidecarClient({ url: listener.url, credential: added.json.credential });
  return { plane, listener, client, credential: added.json.credential as string };
}

async function minted(plane: TestPlane, budget: object): Promise<string> {
  const body = { subject: "agent", tenant: "acme", ...budget };
  return (await plane.request("POST", "/v1/admin/mint", { body })).json.jti;
}

const until = async (is: () => boolean) => {
  while (!is()) await new Promise((resolve) => setImmediate(resolve));
};

for (const engine of ENGINES) {
  test(`${engine}: each boot gets a higher epoch`, async (t) => {
    const one = await served(t, engine);
    if (one === undefined) return;
    const first = await one.client.register({ version: "1", hostname: "pod-1" });
    const second = await one.client.register({ version: "1" });
    assert.deepEqual([first.tenant, first.epoch, second.epoch], ["acme", 1, 2]);
    const listed = await one.plane.request("GET", "/v1/admin/sidecars?tenant=acme");
    assert.deepEqual([listed.json.items[0].epoch, listed.json.items[0].hostname], [2, ""]);
  });

  test(`${engine}: leases of any number of holders never pass the limit, and what comes back is there again`, async (t) => {
    const one = await served(t, engine);
    if (one === undefined) return;
    const jti = await minted(one.plane, { max_calls: 100 });
    await one.client.register({ version: "1" });
    const want = { epoch: 1, account: `calls:${jti}`, limit: 100, want: 30 };
    const leases = await Promise.all(Array.from({ length: 6 }, () => one.client.lease(want)));
    const granted = leases.reduce((sum, lease) => sum + lease.granted, 0);
    assert.equal(granted, 100);
    const first = leases.find((lease) => lease.granted > 0);
    assert.ok(first !== undefined);
    await one.client.returnLease({ lease_id: first.lease_id, unspent: first.granted });
    await one.client.returnLease({ lease_id: first.lease_id, unspent: first.granted });
    assert.equal((await one.client.lease({ ...want, want: 100 })).granted, first.granted);
    // Another tenant's account of the same name is another account.
    const other = await one.plane.request("POST", "/v1/admin/sidecars", { body: { tenant: "beta" } });
    const beta = createSidecarClient({ url: one.listener.url, credential: other.json.credential });
    await beta.register({ version: "1" });
    await assert.rejects(beta.lease(want), { code: "budget.unknown_account" });
  });

  test(`${engine}: a sidecar leases under an epoch it was granted, within the limit that the token was issued with`, async (t) => {
    const one = await served(t, engine);
    if (one === undefined) return;
    const { plane, client } = one;
    const jti = await minted(plane, { max_calls: 50 });
    const want = { epoch: 1, account: `calls:${jti}`, limit: 50, want: 1 };
    await assert.rejects(client.lease(want), { kind: "conflict", code: "sidecars.epoch" });
    await client.register({ version: "1" });
    await assert.rejects(client.lease({ ...want, epoch: 2 }), { code: "sidecars.epoch" });
    const greedy = await client.lease({ ...want, limit: 1_000_000, want: 1_000_000 });
    assert.deepEqual([greedy.granted, greedy.remaining], [50, 0]);
    // A process that runs beside a later one under the same credential goes on.
    await client.register({ version: "1" });
    assert.equal((await client.lease(want)).granted, 0);
    for (const account of [
      `cost:${jti}`,
      "calls:never-issued",
      `rate:${jti}:${Math.floor(plane.clock.nowMs() / 60_000)}`,
    ])
      await assert.rejects(client.lease({ ...want, account }), { code: "budget.unknown_account" });
    for (const account of ["calls", `calls:${jti}~short`, "points:x", "rate:x"])
      await assert.rejects(client.lease({ ...want, account }), { kind: "invalid", code: "budget.account" });
    // What was appended offline is known to its first use only.
    const block = { ...want, account: `calls:${jti}.1~${"A".repeat(24)}` };
    assert.equal((await client.lease({ ...block, limit: 3, want: 2 })).granted, 2);
    assert.equal((await client.lease({ ...block, limit: 1_000, want: 1_000 })).granted, 1);
  });

  test(`${engine}: a sidecar cannot give back what another one holds`, async (t) => {
    const one = await served(t, engine);
    if (one === undefined) return;
    const { plane, client, listener } = one;
    const added = await plane.request("POST", "/v1/admin/sidecars", { body: { tenant: "acme" } });
    const other = createSidecarClient({ url: listener.url, credential: added.json.credential });
    await client.register({ version: "1" });
    await other.register({ version: "1" });
    const want = {
      epoch: 1,
      account: `calls:${await minted(plane, { max_calls: 10 })}`,
      limit: 10,
      want: 10,
    };
    const lease = await client.lease(want);
    assert.equal(lease.granted, 10);
    await other.returnLease({ lease_id: lease.lease_id, unspent: 10 });
    assert.equal((await other.lease(want)).granted, 0);
    await client.returnLease({ lease_id: lease.lease_id, unspent: 4 });
    assert.equal((await other.lease(want)).granted, 4);
  });
}

test("a sidecar that goes away leaves no stream behind, and has a few at most", async (t) => {
  const one = await served(t, "embedded");
  if (one === undefined) return;
  const open = async () => {
    const leaving = new AbortController();
    const states = one.client.states({ signal: leaving.signal });
    await states.next();
    return { leaving, states };
  };
  const streams = [await open(), await open(), await open(), await open()];
  assert.equal(one.plane.feed.readers(), 4);
  await assert.rejects(open(), { kind: "limited" });
  assert.match((await one.plane.request("GET", "/metrics")).text, /postern_sidecars_connected 4/);
  for (const { leaving } of streams) leaving.abort();
  await until(() => one.plane.feed.readers() === 0);
  await open();
});

test("the listener ends its streams and then itself", async (t) => {
  const one = await served(t, "embedded");
  if (one === undefined) return;
  const states = one.client.states({ signal: new AbortController().signal });
  await states.next();
  one.plane.feed.close();
  await one.listener.close(60_000);
  for await (const { id } of states) assert.match(id, /^k1/);
  await assert.rejects(one.client.register({ version: "1" }), { code: "client.unreachable" });
});

test("a sidecar gets in by its own credential only", async (t) => {
  const one = await served(t, "embedded");
  if (one === undefined) return;
  const { plane } = one;
  const paths: [keyof typeof bodies | "GET", string][] = [
    ["register", "/v1/sidecar/register"],
    ["GET", "/v1/sidecar/sync"],
    ["GET", `/v1/sidecar/bundles/${"0".repeat(64)}`],
    ["audit", "/v1/sidecar/audit"],
    ["lease", "/v1/sidecar/leases"],
    ["giveBack", "/v1/sidecar/leases/return"],
  ];
  for (const [kind, path] of paths) {
    for (const token of ["", "the-superadmin", "postern-sidecar.acme.nobody.AAAA"]) {
      const options = kind === "GET" ? { token } : { token, body: bodies[kind] };
      const refused = await plane.request(kind === "GET" ? "GET" : "POST", path, options);
      assert.deepEqual([refused.status, refused.json.code], [401, "sidecars.unauthenticated"], path);
    }
  }
  assert.equal((await plane.request("GET", "/v1/admin/tenants", { token: one.credential })).status, 401);
  assert.equal(
    (await plane.request("GET", `/v1/sidecar/bundles/${"0".repeat(64)}`, { token: one.credential })).status,
    404,
  );
  assert.equal((await plane.request("GET", "/v1/sidecar/nothing", { token: one.credential })).status, 404);
});

const bodies = {
  register: { version: "1" },
  audit: {},
  lease: { epoch: 1, account: "calls:x", limit: 1, want: 1 },
  giveBack: { lease_id: "x", unspent: 0 },
};
