// The bundles run where there is nothing but Node: no packages, no sources, another folder. One stack is started for all of it.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, type TestContext, test } from "node:test";
import { build } from "esbuild";
import { createAdminClient, createAgentClient } from "../../packages/client/src/index.ts";
import {
  defer,
  freePort,
  repositoryRoot,
  startProcess,
  temporaryDirectory,
} from "../../packages/testkit/src/index.ts";
import { APPS, buildApp } from "./build-app.ts";
import { emptyFilesBeside, filesBeside } from "./files-beside.ts";

const ADMIN_TOKEN = "an-admin-token-of-a-test";
const LISTENING = /^\{.*"url":"([^"]+)".*"msg":"listening".*\}$/m;

/** Reads the note, and tells from it whether the policy saw the whole of it. */
const POLICY = `package intentgate.policy
import rego.v1

default decision := {"allow": false}
decision := {"allow": true} if endswith(input.args.note, "whole")
`;

/** Longer than what is evaluated beside the calls: it takes a thread. */
const LONG = "x".repeat(40_000);

const folder = temporaryDirectory({ after });

before(async () => {
  for (const app of APPS) await buildApp({ root: repositoryRoot, app, folder: join(folder, app) });
});

/** Starts a program and tells its address. */
async function run(t: TestContext, app: string, env: Record<string, string>): Promise<string> {
  const started = await startProcess(t, {
    ...program(app),
    env: { PATH: process.env.PATH, HOME: folder, OPA_BIN: process.env.OPA_BIN, ...env },
    ready: LISTENING,
    timeoutMs: 60_000,
  });
  return started.match[1] ?? "";
}

const program = (app: string, ...args: string[]) => ({
  command: process.execPath,
  args: [join(folder, app, "main.mjs"), ...args],
  cwd: folder,
});

/** Has one tool, which tells the length of its note. */
async function startToolServer(t: TestContext): Promise<string> {
  const server = createServer(async (request, response) => {
    const { id, method, params } = JSON.parse(await text(request));
    const result =
      method === "tools/call"
        ? { content: [{ type: "text", text: `${params.arguments.note.length}` }] }
        : { tools: [{ name: "measure", inputSchema: { type: "object" } }] };
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  defer(t, () => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
}

async function untilReady(url: string): Promise<void> {
  for (let attempt = 0; (await fetch(`${url}/readyz`)).status !== 200; attempt += 1) {
    assert.ok(attempt < 600, "the sidecar becomes ready");
    await new Promise((next) => setTimeout(next, 25));
  }
}

test("control plane and sidecar run from their bundles, and a thread judges what is long", async (t) => {
  for (let above = folder; dirname(above) !== above; above = dirname(above))
    assert.ok(!existsSync(join(above, "node_modules")), "no packages are within reach");

  const adminUrl = await run(t, "control-plane", {
    POSTERN_DATA_DIR: join(folder, "control-plane-data"),
    POSTERN_PORT: "0",
    POSTERN_ADMIN_TOKEN: ADMIN_TOKEN,
  });
  const console_ = await fetch(`${adminUrl}/console/main.ts`);
  assert.equal(console_.status, 200, "the console came along");
  const reference = await fetch(`${adminUrl}/docs/swagger-ui.css`);
  assert.equal(reference.status, 200, "the page of the interface came along");

  const tenant = "acme";
  const admin = createAdminClient({ url: adminUrl, token: ADMIN_TOKEN, timeoutMs: 60_000 });
  await admin.createTenant(tenant);
  const draft = await admin.createDraft({ name: "test", rego_source: POLICY, tenant });
  await admin.promote(draft.id, { tenant });
  const sidecar = await admin.addSidecar({ tenant, name: "bundled" });
  const { token } = await admin.mint({ subject: "agent-x", tenant, ttl_seconds: 3600 });

  const url = await run(t, "sidecar", {
    POSTERN_SIDECAR_PORT: "0",
    POSTERN_CONTROL_PLANE_URL: adminUrl,
    POSTERN_SIDECAR_CREDENTIAL: sidecar.credential,
    POSTERN_TRUST_ROOT: sidecar.trust_root,
    POSTERN_UPSTREAM_URL: await startToolServer(t),
    POSTERN_DATA_DIR: join(folder, "sidecar-data"),
  });
  await untilReady(url);

  const agent = createAgentClient({ url: `${url}/v1/tool-call`, token });
  for (const note of ["the whole", `${LONG} whole`]) {
    const answer = await agent.toolCall("measure", { note });
    assert.deepEqual(answer, {
      ok: true,
      result: { content: [{ type: "text", text: String(note.length) }] },
    });
  }
  for (const note of ["a part", LONG]) {
    const answer = await agent.toolCall("measure", { note });
    assert.equal(answer.ok || answer.denial?.reason, "policy.denied");
  }
});

test("every bundle tells its help, its own sources' places do not show in it, and its licences are named", async (t) => {
  for (const app of APPS) {
    const started = await startProcess(t, { ...program(app, "--help"), env: { HOME: folder } });
    const { code } = await started.exited;
    assert.equal(code, 0, started.stderr());
    assert.match(started.stdout(), /POSTERN_|postern/);
    assert.match(
      readFileSync(join(folder, app, "LICENCES.txt"), "utf8"),
      /^zod 4\..*\(MIT\)\n\nMIT License/m,
    );
    const files = readdirSync(join(folder, app)).filter((file) => /\.[cm]js$/.test(file));
    for (const file of files)
      assert.ok(!readFileSync(join(folder, app, file), "utf8").includes(repositoryRoot), `${app}/${file}`);
  }
});

test("a file that code finds in an unknown way is refused", async (t) => {
  const root = temporaryDirectory(t);
  const source = join(root, "apps", "x", "src", "main.ts");
  mkdirSync(dirname(source), { recursive: true });
  writeFileSync(source, 'export const place = import.meta.resolve("./data.json");\n');
  const plugins = [filesBeside(root, emptyFilesBeside(), (text) => text)];
  const building = build({ entryPoints: [source], bundle: true, write: false, logLevel: "silent", plugins });
  await assert.rejects(building, /finds something in a way that no bundle can follow/);
});
