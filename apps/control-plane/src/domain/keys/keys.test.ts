// Keys rotate without a failed call, in one order only, and their secret halves are readable with the master key alone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readFooter } from "@postern/signing";
import { sql } from "drizzle-orm";
import { ENGINES, planeOver, type TestPlane, testPlane } from "../../control-plane.fixture.ts";
import { rowsOf } from "../../database/connection.ts";
import { readMasterKey } from "./master-key.ts";
import { KEY_STEPS, LIFECYCLE } from "./model.ts";

const step = (plane: TestPlane, kid: string, name: string, body?: unknown) =>
  plane.request("POST", `/v1/admin/keys/${kid}/${name}?tenant=acme`, body === undefined ? {} : { body });

const signerOf = async (plane: TestPlane) => {
  const minted = await plane.request("POST", "/v1/admin/mint", { body: { subject: "a", tenant: "acme" } });
  return readFooter(minted.json.token)?.kid;
};

for (const engine of ENGINES) {
  test(`${engine}: a key is prepared, published, activated and retired, and mints in between`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const before = await signerOf(plane);
    const prepared = await plane.request("POST", "/v1/admin/keys", {
      body: { use: "capability", tenant: "acme" },
    });
    assert.deepEqual([prepared.status, prepared.json.status], [201, "prepared"]);
    const { kid } = prepared.json;
    const listed = async () => (await plane.request("GET", "/v1/admin/keys?tenant=acme")).json;
    assert.ok(!(await listed()).some((key: { kid: string }) => key.kid === kid));
    assert.equal((await step(plane, kid, "activate")).status, 409);
    assert.equal((await step(plane, kid, "publish")).json.status, "published");
    const early = await step(plane, kid, "activate");
    assert.deepEqual([early.status, early.json.code], [409, "keys.too_early"]);
    assert.equal(await signerOf(plane), before);
    plane.clock.advance(5_000);
    assert.equal((await step(plane, kid, "activate")).json.status, "active");
    assert.equal(await signerOf(plane), kid);
    assert.equal((await step(plane, kid, "retire", { not_after: "2027-01-01T00:00:00Z" })).status, 409);
    const retired = await step(plane, String(before), "retire", { not_after: "2027-01-01T00:00:00Z" });
    assert.deepEqual([retired.json.status, retired.json.not_after], ["retired", "2027-01-01T00:00:00.000Z"]);
    assert.equal((await step(plane, String(before), "activate")).status, 409);
    assert.equal((await step(plane, "k4.pid.nothing", "publish")).status, 400);
    const versions = await plane.units.read((db) => plane.nouns.keys.versions(db, ["acme"]));
    assert.equal(versions.get("acme"), 4);
    assert.equal((await plane.request("POST", "/v1/admin/keys", { body: { use: "root" } })).status, 400);
  });

  test(`${engine}: no secret half is stored in the clear, and another master key opens none`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    await signerOf(plane);
    const rows = await rowsOf(plane.database.executor, sql`select wrapped_secret from keys`);
    for (const row of rows) assert.match(String(row.wrapped_secret), /^k4\.secret-wrap\.pie\./);
    const other = await planeOver({ ...plane.parts, masterKey: new Uint8Array(32).fill(8) });
    const refused = await other.request("POST", "/v1/admin/mint", { body: { subject: "a", tenant: "acme" } });
    assert.deepEqual([refused.status, refused.json.code], [503, "keys.master_key_differs"]);
    const ready = await other.request("GET", "/readyz");
    assert.equal(ready.status, 503);
    assert.match(ready.json.reasons[0], /not the one/);
  });
}

test("the life of a key is told for each status and step", () => {
  for (const [status, row] of Object.entries(LIFECYCLE)) {
    for (const name of KEY_STEPS) {
      const next = row[name];
      assert.ok(typeof next === "string" ? next !== status : next.no.length > 0, `${status} ${name}`);
    }
  }
});

test("a master key is base64 or base64url of at least 32 bytes", () => {
  const bytes = Buffer.from(Array.from({ length: 32 }, (_, at) => 255 - at));
  for (const text of [
    bytes.toString("base64"),
    bytes.toString("base64url"),
    ` ${bytes.toString("base64")}\n`,
  ]) {
    assert.deepEqual(Buffer.from(readMasterKey(text)), bytes);
  }
  const longer = readMasterKey(Buffer.alloc(48, 1).toString("base64"));
  assert.equal(longer.length, 32);
  assert.notDeepEqual(Buffer.from(longer), Buffer.alloc(32, 1));
  for (const text of [
    "",
    "short",
    "not base64 at all, but long enough to be one!!",
    Buffer.alloc(31).toString("base64"),
  ]) {
    assert.throws(() => readMasterKey(text), { code: "keys.master_key" });
  }
});
