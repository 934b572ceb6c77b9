// Tool servers that come, change and go while a sidecar runs that was started without any: the registry of the real control plane, an official
// client, official servers, and a secret in a file that is turned. Nothing is restarted.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { defer, type TestScope, temporaryDirectory } from "@postern/testkit";
import { z } from "zod";
import { POLICY } from "./rego.ts";
import { eventually, provisionTenant, startControlPlane, startSidecar, TENANT } from "./stack.ts";

const CANARY = "canary-5ec2e7";

/** An official server with sessions whose one tool says which credential the call came with. */
async function startToolServer(t: TestScope, label: string) {
  const transports = new Map<string, StreamableHTTPServerTransport>();
  const create = () => {
    const server = new McpServer({ name: label, version: "1.0.0" });
    const described = { description: "Says who calls.", inputSchema: { nonce: z.string() } };
    server.registerTool("record", described, (_, { requestInfo }) => ({
      content: [{ type: "text", text: `${label} ${requestInfo?.headers.authorization}` }],
    }));
    return server;
  };
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const sessionId = request.headers["mcp-session-id"]?.toString();
    const known = transports.get(sessionId ?? "");
    if (sessionId !== undefined && known === undefined) return void response.writeHead(404).end();
    const transport =
      known ??
      new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (id) => void transports.set(id, transport),
        onsessionclosed: (id) => void transports.delete(id),
      });
    if (known === undefined) await create().connect(transport as Parameters<McpServer["connect"]>[0]);
    await transport.handleRequest(request, response);
  };
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  defer(t, () => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
  return { url, sessions: () => transports.size };
}

async function startRegistryStack(t: TestScope) {
  const controlPlane = await startControlPlane(t);
  const { admin } = controlPlane;
  await provisionTenant(admin, POLICY);
  const enrolment = await admin.addSidecar({ tenant: TENANT, name: "e2e" });
  const secrets = temporaryDirectory(t);
  const sidecar = await startSidecar(t, {
    controlPlaneUrl: controlPlane.url,
    enrolment,
    dataDir: temporaryDirectory(t),
    env: {
      POSTERN_UPSTREAM_REGISTRY: "on",
      POSTERN_UPSTREAM_REGISTRY_HOSTS: "http://127.0.0.1:*",
      POSTERN_UPSTREAM_NETWORKS: "127.0.0.0/8",
      POSTERN_UPSTREAM_SECRETS_DIR: secrets,
      POSTERN_LOG_LEVEL: "debug",
    },
  });
  const { token } = await admin.mint({ subject: "agent-x", tenant: TENANT, ttl_seconds: 3600 });
  const at = (name: string) => `${sidecar.mcpUrl}/${name}`;
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const ask = async (name: string) => {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" });
    const answer = await fetch(at(name), { method: "POST", headers, body });
    return { status: answer.status, text: await answer.text() };
  };
  const connect = async (name: string) => {
    const client = new Client({ name: "e2e", version: "1" });
    const transport = new StreamableHTTPClientTransport(new URL(at(name)), { requestInit: { headers } });
    await client.connect(transport as Parameters<Client["connect"]>[0]);
    defer(t, () => client.close());
    return async () => {
      const { content } = await client.callTool({ name: "record", arguments: { nonce: "n" } });
      return (content as { text: string }[])[0]?.text;
    };
  };
  const put = (secret: string) => writeFileSync(join(secrets, "crm"), `${secret}\n`);
  return { admin, sidecar, secrets, ask, connect, put };
}

const reasonOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => "answered",
    (caught: { data?: { reason?: unknown } }) => caught.data?.reason,
  );

test("a registered upstream comes, changes and goes under an official client, and nothing is restarted", async (t) => {
  const [stack, first, second] = await Promise.all([
    startRegistryStack(t),
    startToolServer(t, "first"),
    startToolServer(t, "second"),
  ]);
  const { admin, sidecar, ask, connect, put } = stack;
  const auth = {
    kind: "header",
    header: "authorization",
    prefix: "Bearer ",
    secret: { from: "file", name: "crm" },
  } as const;
  put(`${CANARY}-one`);
  const unknown = await ask("crm");
  assert.equal(unknown.status, 404);

  await admin.addUpstream({ name: "crm", tenant: TENANT, url: first.url, auth });
  await eventually(async () => assert.notEqual((await ask("crm")).status, 404), 1_000);
  const call = await connect("crm");
  assert.equal(await call(), `first Bearer ${CANARY}-one`);

  put(`${CANARY}-two`);
  await eventually(async () => assert.equal(await call(), `first Bearer ${CANARY}-two`), 5_000);
  rmSync(join(stack.secrets, "crm"));
  await eventually(async () => assert.equal(await reasonOf(call()), "upstream.unavailable"), 5_000);
  const ready = await (await fetch(`${sidecar.url}/readyz`)).json();
  assert.match(JSON.stringify(ready), /registered upstream crm: There is no secret: its file is not there/);
  put(`${CANARY}-three`);
  await eventually(async () => assert.equal(await call(), `first Bearer ${CANARY}-three`), 5_000);

  await admin.replaceUpstream("crm", { url: second.url, auth }, { tenant: TENANT });
  const callSecond = await eventually(async () => {
    const next = await connect("crm");
    assert.equal(await next(), `second Bearer ${CANARY}-three`);
    return next;
  });
  await eventually(async () => assert.equal(first.sessions(), 0), 10_000);

  await admin.removeUpstream("crm", { tenant: TENANT });
  await eventually(async () => assert.deepEqual(await ask("crm"), unknown), 1_000);
  assert.equal(await reasonOf(callSecond()), undefined);
  await eventually(async () => assert.equal(second.sessions(), 0), 10_000);

  const told = await admin.audit({ tenant: TENANT, limit: 1000 });
  const metrics = await (await fetch(`${sidecar.url}/metrics`)).text();
  for (const place of [
    JSON.stringify(told),
    metrics,
    `${sidecar.process.stdout()}${sidecar.process.stderr()}`,
    JSON.stringify(ready),
  ])
    assert.ok(!place.includes(CANARY));
});
