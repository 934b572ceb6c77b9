// The fleet door over a real socket: streams, budgets, limits, and what happens when a sidecar goes away.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createSidecarClient } from "@postern/client";
import { defer } from "@postern/testkit";
import { ENGINES, type Engine, testPlane } from "../../control-plane.fixture.ts";
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
    const want = { epoch: 1, account: "calls:token-1", limit: 100, want: 30 };
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
    assert.ok((await beta.lease(want)).granted > 0);
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
