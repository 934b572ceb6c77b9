// The registry of upstreams at the admin door, on both engines: what may be said, who sees it, and what sidecars are told.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { UPSTREAMS_MAX } from "@postern/contracts";
import { repositoryRoot } from "@postern/testkit";
import { ACME, BETA, ENGINES, type TestPlane, testPlane } from "../../control-plane.fixture.ts";

const PATH = "/v1/admin/upstreams";
const crm = {
  name: "crm",
  url: "https://crm.example/mcp",
  auth: { kind: "header", header: "authorization", prefix: "Bearer ", secret: { from: "file", name: "crm" } },
};

const ask =
  (plane: TestPlane) =>
  (method: string, path: string, body?: unknown, token = ACME) =>
    plane.request(method, path, { token, ...(body === undefined ? {} : { body }) });

async function told(plane: TestPlane, tenant: string) {
  const { nouns, units } = plane;
  return await units.read(async (executor) => ({
    version: (await nouns.upstreams.versions(executor, [tenant])).get(tenant),
    upstreams: await nouns.upstreams.registered(executor, tenant),
  }));
}

for (const engine of ENGINES) {
  test(`${engine}: an upstream is registered, read, changed and removed, each an event and a new version`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const admin = ask(plane);
    const added = await admin("POST", PATH, crm);
    assert.equal(added.status, 201, added.text);
    const { created_at, updated_at, ...view } = added.json;
    assert.deepEqual(view, {
      ...crm,
      ...{ tenant: "acme", transport: "http", enabled: true },
      ...{ created_by: "tenant-admin:acme", updated_by: "tenant-admin:acme" },
    });
    assert.deepEqual(await told(plane, "acme"), { version: 1, upstreams: [{ ...crm, transport: "http" }] });
    assert.deepEqual((await admin("GET", `${PATH}/crm`)).json, added.json);

    plane.clock.advance(1_000);
    const changed = await admin("PUT", `${PATH}/crm`, { url: "https://crm.example/v2", transport: "sse" });
    assert.equal(changed.status, 200, changed.text);
    assert.deepEqual(changed.json.auth, { kind: "none" });
    assert.deepEqual([changed.json.created_at, changed.json.updated_at > updated_at], [created_at, true]);
    assert.equal((await told(plane, "acme")).version, 2);

    assert.equal((await admin("DELETE", `${PATH}/crm`)).status, 204);
    assert.deepEqual(await told(plane, "acme"), { version: 3, upstreams: [] });
    for (const [method, body] of [["GET"], ["PUT", { url: crm.url }], ["DELETE"]] as const)
      assert.equal((await admin(method, `${PATH}/crm`, body)).status, 404);

    const acts = await admin("GET", "/v1/admin/audit?limit=1000");
    const names = acts.json.items.map(({ tool }: { tool: string }) => tool);
    for (const act of ["add_upstream", "change_upstream", "remove_upstream"])
      assert.equal(names.filter((name: string) => name === `admin/${act}`).length, 1, act);
  });

  test(`${engine}: one that is not enabled is kept, and no sidecar hears of it`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const admin = ask(plane);
    await admin("POST", PATH, { ...crm, enabled: false });
    assert.deepEqual(await told(plane, "acme"), { version: 1, upstreams: [] });
    const { name: _, ...settings } = crm;
    await admin("PUT", `${PATH}/crm`, settings);
    assert.deepEqual(
      (await told(plane, "acme")).upstreams.map(({ name }) => name),
      ["crm"],
    );
  });

  test(`${engine}: a name stands for one upstream of a tenant, and another tenant may use it too`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const admin = ask(plane);
    await admin("POST", PATH, crm);
    const twice = await admin("POST", PATH, { ...crm, url: "https://other.example/" });
    assert.deepEqual([twice.status, twice.json.code], [409, "upstreams.exists"]);
    const beta = await admin("POST", PATH, { ...crm, url: "https://beta.example/" }, BETA);
    assert.equal(beta.status, 201);
    assert.equal((await admin("GET", `${PATH}/crm`)).json.url, crm.url);
    assert.equal(
      (await admin("GET", `${PATH}/crm?tenant=acme`, undefined, BETA)).json.url,
      "https://beta.example/",
    );
    await admin("DELETE", `${PATH}/crm?tenant=acme`, undefined, BETA);
    assert.equal((await told(plane, "acme")).upstreams.length, 1);
    assert.deepEqual((await told(plane, "beta")).upstreams, []);
  });

  test(`${engine}: a tenant registers a bounded number, also when many ask at once`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const admin = ask(plane);
    const asked = Array.from({ length: UPSTREAMS_MAX + 4 }, (_, at) =>
      admin("POST", PATH, { name: `u${at}`, url: crm.url }),
    );
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    assert.equal(statuses.filter((status) => status === 201).length, UPSTREAMS_MAX);
    assert.equal(statuses.filter((status) => status === 429).length, 4);
    const { version, upstreams } = await told(plane, "acme");
    assert.deepEqual([version, upstreams.length], [UPSTREAMS_MAX, UPSTREAMS_MAX]);
  });

  test(`${engine}: the list comes in pages that stay right while rows come and go`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const admin = ask(plane);
    for (const name of ["a", "c", "e", "g"]) await admin("POST", PATH, { name, url: crm.url });
    await admin("POST", PATH, crm, BETA);
    const first = (await admin("GET", `${PATH}?limit=2`)).json;
    await admin("POST", PATH, { name: "b", url: crm.url });
    await admin("DELETE", `${PATH}/e`);
    const second = (await admin("GET", `${PATH}?limit=2&cursor=${first.next_cursor}`)).json;
    const names = [...first.items, ...second.items].map(({ name }: { name: string }) => name);
    assert.deepEqual(names, ["a", "c", "g"]);
    assert.equal(second.next_cursor, undefined);
    assert.equal((await admin("GET", `${PATH}?cursor=${first.next_cursor}`, undefined, BETA)).status, 400);
  });
}

const REFUSED: readonly [change: object, path: RegExp][] = [
  [{ name: "../crm" }, /body\.name/],
  [{ name: "CRM" }, /body\.name/],
  [{ url: "https://user:pass@crm.example/" }, /body\.url/],
  [{ url: "https://crm.example/?api_key=hunter2" }, /body\.url/],
  [{ url: "ftp://crm.example/" }, /body\.url/],
  [{ url: "https://crm.example/#x" }, /body\.url/],
  [{ transport: "stdio" }, /body\.transport/],
  [{ command: ["sh"] }, /body\.command: unknown field/],
  [{ headers: { authorization: "hunter2" } }, /body\.headers: unknown field/],
  [{ auth: { kind: "basic" } }, /body\.auth/],
  [
    { auth: { ...crm.auth, secret: { ...crm.auth.secret, value: "hunter2" } } },
    /body\.auth\.secret\.value: unknown/,
  ],
  [{ auth: { ...crm.auth, secret: { from: "env", name: "PATH/.." } } }, /body\.auth\.secret\.name/],
  [{ auth: { ...crm.auth, header: "host" } }, /body\.auth\.header/],
];
test("whatever could hold a secret, or lead somewhere else, is refused by its path", async (t) => {
  const plane = await testPlane(t, "embedded");
  if (plane === undefined) return;
  for (const [change, path] of REFUSED) {
    const refused = await ask(plane)("POST", PATH, { ...crm, ...change });
    assert.equal(refused.status, 400, JSON.stringify(change));
    assert.match(refused.json.error, path);
    assert.doesNotMatch(refused.text, /hunter2|pass@/);
  }
  assert.equal((await told(plane, "acme")).version, undefined);
});

test("the examples of the page about upstreams are taken as they stand", async (t) => {
  const plane = await testPlane(t, "embedded");
  if (plane === undefined) return;
  const page = readFileSync(join(repositoryRoot, "docs", "upstreams.md"), "utf8");
  const examples = [...page.matchAll(/```json\n(.*?)```/gs)].map(([, text = ""]) => text);
  assert.equal(examples.length, 3);
  for (const example of examples) {
    const { status, text } = await ask(plane)("POST", PATH, JSON.parse(example));
    assert.equal(status, 201, text);
  }
});
