// The program as an operator runs it: starts, serves over a socket, refuses what it must, and ends in order.
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createAdminClient, createSidecarClient } from "@postern/client";
import { NO_VERSIONS, readStateCursor, stateCursor } from "@postern/contracts";
import { defer, startProcess, temporaryDirectory, throwawayPostgres } from "@postern/testkit";
import { readConfig } from "./config.ts";

const MAIN = join(import.meta.dirname, "main.ts");
const LISTENING = /"url":"(http:[^"]+)","msg":"listening"/;

function run(t: TestContext, env: Record<string, string>, options: { ready?: RegExp; args?: string[] } = {}) {
  const { ready, args = [] } = options;
  return startProcess(t, {
    command: process.execPath,
    args: [MAIN, ...args],
    env: { PATH: "/usr/bin:/bin", POSTERN_PORT: "0", POSTERN_ADMIN_TOKEN: "root", ...env },
    timeoutMs: 60_000,
    ...(ready === undefined ? {} : { ready }),
  });
}

test("the program serves, a second one on its folder is refused, and SIGTERM gives the folder back", async (t) => {
  const folder = join(temporaryDirectory(t), "data");
  const first = await run(t, { POSTERN_DATA_DIR: folder }, { ready: LISTENING });
  const url = String(first.match[1]);
  const client = createAdminClient({ url, token: "root" });
  await client.createTenant("acme");
  const added = await client.addSidecar({ tenant: "acme" });
  const minted = await client.mint({ subject: "agent-7", tenant: "acme" });
  assert.equal(statSync(join(folder, "master.key")).mode & 0o777, 0o400);

  const second = await run(t, { POSTERN_DATA_DIR: folder });
  const refused = await second.exited;
  assert.equal(refused.code, 1);
  assert.match(second.stderr(), new RegExp(`locked.*process ${first.pid} is using it`));

  const sidecar = createSidecarClient({ url, credential: added.credential });
  const leaving = new AbortController();
  const states = sidecar.states({ signal: leaving.signal });
  for (let first = 0; first < 8; first += 1) {
    assert.equal((await states.next()).value?.id, stateCursor({ ...NO_VERSIONS, keys: 1 }));
  }
  const startMs = performance.now();
  await client.revoke(minted.jti);
  let id = "";
  while (readStateCursor(id)?.revocations !== 1) id = (await states.next()).value?.id ?? "";
  t.diagnostic(`revoke to the wire, request included: ${(performance.now() - startMs).toFixed(1)} ms`);
  const audited = await client.audit({ tenant: "acme", tool: "admin/revoke" });
  assert.equal(audited.items[0]?.remote_ip, "127.0.0.1");

  // The open stream does not hold up the end.
  const ended = await first.stop();
  assert.equal(ended.code, 0, first.stderr());
  assert.equal(existsSync(join(folder, "db.lock")), false);
  for await (const _ of states) assert.ok(true);

  const again = await run(t, { POSTERN_DATA_DIR: folder }, { ready: LISTENING });
  const kept = createAdminClient({ url: String(again.match[1]), token: "root" });
  assert.deepEqual(
    (await kept.revocations({ tenant: "acme" })).items.map((item) => item.jti),
    [minted.jti],
  );
  assert.equal((await kept.verifyAudit({ tenant: "acme" })).verified, true);
  assert.equal((await again.stop("SIGINT")).code, 0);
});

test("over Postgres two replicas serve one truth, and one hears of the other's changes at once", async (t) => {
  const address = await throwawayPostgres(t);
  if (address === undefined) return;
  const env = {
    POSTERN_DATABASE_URL: address.url,
    POSTERN_MASTER_KEY: Buffer.alloc(32, 5).toString("base64"),
    POSTERN_MODE: "production",
  };
  const [one, two] = await Promise.all([
    run(t, env, { ready: LISTENING }),
    run(t, env, { ready: LISTENING }),
  ]);
  const [here, there] = [one, two].map(({ match }) =>
    createAdminClient({ url: String(match[1]), token: "root" }),
  );
  assert.ok(here !== undefined && there !== undefined);
  await here.createTenant("acme");
  const added = await here.addSidecar({ tenant: "acme" });
  const sidecar = createSidecarClient({ url: String(two.match[1]), credential: added.credential });
  const leaving = new AbortController();
  const states = sidecar.states({ signal: leaving.signal });
  for (let first = 0; first < 7; first += 1) await states.next();
  const minted = await here.mint({ subject: "agent-7", tenant: "acme" });
  const startMs = performance.now();
  await here.revoke(minted.jti);
  let id = "";
  while (readStateCursor(id)?.revocations !== 1) id = (await states.next()).value?.id ?? "";
  t.diagnostic(
    `revoke to the other replica's wire, request included: ${(performance.now() - startMs).toFixed(1)} ms`,
  );
  assert.equal((await there.verifyAudit({ tenant: "acme" })).verified, true);
  leaving.abort();
  const ends = await Promise.all([one.stop(), two.stop()]);
  assert.deepEqual(
    ends.map((end) => end.code),
    [0, 0],
  );
});

test("what is set up wrongly is refused before anything is opened", async (t) => {
  const folder = join(temporaryDirectory(t), "data");
  const cases: [Record<string, string>, RegExp][] = [
    [{ POSTERN_MODE: "production" }, /POSTERN_DATABASE_URL is required/],
    [{ POSTERN_PORT: "http" }, /POSTERN_PORT must be a whole number/],
    [{ POSTERN_TENANT_ADMIN_TOKENS: "acme" }, /tenant:token/],
    [{ POSTERN_TENANT_ADMIN_TOKENS: "Acme Corp:token" }, /tenant names/],
  ];
  for (const [env, message] of cases) {
    const refused = await run(t, { POSTERN_DATA_DIR: folder, ...env });
    assert.equal((await refused.exited).code, 2);
    assert.match(refused.stderr(), message);
  }
  assert.equal(existsSync(folder), false);
});

test("a port that is taken is named before a database is made", async (t) => {
  const folder = join(temporaryDirectory(t), "data");
  const holder = createServer().listen(0, "127.0.0.1");
  await once(holder, "listening");
  defer(t, async () => void holder.close());
  const { port } = holder.address() as AddressInfo;
  const refused = await run(t, { POSTERN_DATA_DIR: folder, POSTERN_PORT: String(port) });
  assert.equal((await refused.exited).code, 1);
  assert.match(
    refused.stderr(),
    new RegExp(`^Port ${port} of 127\\.0\\.0\\.1 is taken; set POSTERN_PORT \\(0 = any free one\\)\\.$`, "m"),
  );
  assert.equal(existsSync(folder), false);
});

test("an address of another machine, and a data folder that cannot be used, are named with their setting", async (t) => {
  const home = temporaryDirectory(t);
  const file = join(home, "file");
  writeFileSync(file, "");
  const foreign = join(home, "foreign");
  mkdirSync(join(foreign, "db"), { recursive: true });
  writeFileSync(join(foreign, "db", "PG_VERSION"), "9\n");
  const cases: [Record<string, string>, RegExp][] = [
    [{ POSTERN_HOST: "192.0.2.1" }, /192\.0\.2\.1 is not an address of this machine; set POSTERN_HOST/],
    [{ POSTERN_DATA_DIR: file }, /data folder .*file cannot be written \(EEXIST\); set POSTERN_DATA_DIR/],
    [{ POSTERN_DATA_DIR: join(file, "x") }, /cannot be written \(ENOTDIR\)/],
    [{ POSTERN_DATA_DIR: foreign }, /cannot be opened as a database of this version; set POSTERN_DATA_DIR/],
  ];
  for (const [env, message] of cases) {
    const refused = await run(t, { POSTERN_DATA_DIR: join(home, "data"), ...env });
    assert.equal((await refused.exited).code, 1);
    assert.match(refused.stderr(), message);
    assert.doesNotMatch(refused.stderr(), /went wrong on our side/);
  }
});

test("--help prints every setting and starts nothing", async (t) => {
  const helped = await run(t, {}, { args: ["--help"] });
  assert.equal((await helped.exited).code, 0);
  for (const name of [
    "POSTERN_DATA_DIR",
    "POSTERN_MASTER_KEY",
    "INTENTGATE_ADMIN_TOKEN",
    "DATABASE_URL",
    "OPA_BIN",
  ]) {
    assert.ok(helped.stdout().includes(name), name);
  }
});

test("the names of document 001 are accepted, and tokens print as nothing", () => {
  const { config, unknown } = readConfig({
    INTENTGATE_ADMIN_TOKEN: "root",
    INTENTGATE_TENANT_ADMINS: " acme:a:b , beta:c,",
    INTENTGATE_MASTER_KEY: "key",
    DATABASE_URL: "postgres://secret@db/x",
    POSTERN_TYPO: "1",
  });
  assert.deepEqual(
    config.tenantAdminTokens.map(({ tenant, token }) => [tenant, token.reveal()]),
    [
      ["acme", "a:b"],
      ["beta", "c"],
    ],
  );
  assert.deepEqual(unknown, ["POSTERN_TYPO"]);
  assert.doesNotMatch(JSON.stringify(config), /root|a:b|secret/);
});
