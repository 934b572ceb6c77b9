import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { mint } from "@postern/capability";
import { type AuditBatch, NO_VERSIONS, SpoolBody } from "@postern/contracts";
import { Fault, randomId, systemClock } from "@postern/fault";
import { createMetrics, silentLogger } from "@postern/telemetry";
import { defer, temporaryDirectory } from "@postern/testkit";
import { request } from "undici";
import { type Answering, answerJson, sseAnswer } from "./answers.fixture.ts";
import { type Authority, createAuthority } from "./authority.fixture.ts";
import { readConfig } from "./config.ts";
import type { ControlPlane } from "./control-plane.ts";
import { toolCall } from "./exchange.fixture.ts";
import { startRuntime } from "./runtime.ts";
import { systemSurroundings } from "./surroundings.ts";
import { silentObserver } from "./tracing/message-observer.ts";
import type { Upstream } from "./upstream/upstream.ts";

interface MemoryControlPlane extends ControlPlane {
  readonly batches: AuditBatch[];
  isReachable: boolean;
}

/** Registers everybody, has no policy, and takes records in. */
function createMemoryControlPlane(authority: Authority): MemoryControlPlane {
  const versions = { ...NO_VERSIONS, keys: 1, policy: 1 };
  const reach = () => {
    if (!memory.isReachable)
      throw new Fault("unavailable", "client.unreachable", "The service cannot be reached.");
  };
  const memory: MemoryControlPlane = {
    batches: [],
    isReachable: true,
    async register() {
      reach();
      return { sidecar_id: "sidecar-1", tenant: "acme", epoch: memory.batches.length + 1 };
    },
    async *states({ signal }) {
      reach();
      const said = [
        await authority.keyList(1),
        await authority.state("policy", { version: 1, active: null, rollout: null }),
        await authority.state("revocations", { after: 0, version: 0, jtis: [] }),
        await authority.state("pins", { after: 0, version: 0, mode: "trust_first", pins: [] }),
        await authority.state("halts", { version: 0, halts: [] }),
        await authority.state("heartbeat", { versions }),
      ];
      for (const sealed of said) yield { id: "", sealed };
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    },
    bundle: async () => new Uint8Array(),
    async sendAudit(batchJson) {
      const batch: AuditBatch = JSON.parse(batchJson);
      reach();
      memory.batches.push(batch);
      const { sequence = 0, hash = "" } = batch.records.at(-1) ?? {};
      const upTo = { received: sequence, covered: sequence, received_hash: hash };
      const document = { sidecar_id: "sidecar-1", epoch: batch.epoch, ...upTo };
      return { acknowledgements: [await authority.seal(document, "log", "acknowledgement")] };
    },
    reportTools: async () => ({ refused: [] }),
    reportRollout: async () => ({ running: true }),
    lease: async () => ({ lease_id: "l", granted: 0, ttl_ms: 1, remaining: 0 }),
    returnLease: async () => {},
    login: async () => {
      throw new Fault("unavailable", "client.unreachable", "The service cannot be reached.");
    },
    parkCall: async () => {
      throw new Fault("unavailable", "client.unreachable", "The service cannot be reached.");
    },
    approval: async () => {
      throw new Fault("not_found", "approvals.unknown", "There is no such approval.");
    },
    claimApproval: async () => {
      throw new Fault("not_found", "approvals.unknown", "There is no such approval.");
    },
    memoryKey: async () => {
      throw new Fault("not_found", "capabilities.unknown", "There is no such token.");
    },
    exchangeToken: async () => {
      throw new Fault("forbidden", "capability.exchange", "Nobody logs in here.");
    },
  };
  return memory;
}

async function createRig(t: TestContext, { isReachable = true, drainMs = 5_000, settings = {} } = {}) {
  const authority = await createAuthority(systemClock.nowMs);
  const controlPlane = createMemoryControlPlane(authority);
  controlPlane.isReachable = isReachable;
  const { config } = readConfig({
    POSTERN_SIDECAR_PORT: "0",
    POSTERN_CONTROL_PLANE_URL: "http://127.0.0.1:1",
    POSTERN_SIDECAR_CREDENTIAL: "unused",
    POSTERN_TRUST_ROOT: authority.trustRoot,
    POSTERN_DATA_DIR: temporaryDirectory(t),
    POSTERN_UPSTREAM_URL: "http://127.0.0.1:1",
    POSTERN_DRAIN_MS: String(drainMs),
    ...settings,
  });
  const answering: { now: Answering } = { now: answerJson };
  const upstream: Upstream = {
    name: "default",
    forward: async (forwarded, signal) => answering.now(forwarded, signal),
    probe: async () => ({ ok: true }),
    close: async () => {},
  };
  const surroundings = systemSurroundings({ log: silentLogger, metrics: createMetrics([]) });
  const runtime = await startRuntime(config, {
    ...surroundings,
    observer: silentObserver,
    controlPlane,
    upstreams: new Map([[upstream.name, upstream]]),
    places: new Map(),
  });
  let stopped: Promise<boolean> | undefined;
  const stop = () => (stopped ??= runtime.stop());
  defer(t, async () => void (await stop()));
  const minted = await mint(
    { tenant: "acme", subject: "bot", caveats: [] },
    { key: authority.keys.capability, clock: systemClock, newId: randomId },
  );
  const url = `http://127.0.0.1:${runtime.port}`;
  const headers = { "content-type": "application/json", authorization: `Bearer ${minted.token}` };
  return {
    controlPlane,
    answering,
    stop,
    async get(path: string) {
      const { statusCode, body } = await request(`${url}${path}`, { headers });
      return [statusCode, await body.text()] as const;
    },
    async post(message: object) {
      const { statusCode, body } = await request(`${url}/v1/mcp`, {
        method: "POST",
        headers,
        body: JSON.stringify(message),
      });
      return [statusCode, JSON.parse(await body.text())] as const;
    },
    /** Opens a session and, in it, the stream that the tool server is heard on. */
    async stream() {
      const opened = await request(`${url}/v1/mcp`, {
        method: "POST",
        headers,
        body: JSON.stringify({ jsonrpc: "2.0", id: 0, method: "initialize", params: {} }),
      });
      await opened.body.dump();
      const sessionId = String(opened.headers["mcp-session-id"]);
      return (await request(`${url}/v1/mcp`, { headers: { ...headers, "mcp-session-id": sessionId } })).body;
    },
    async untilReady() {
      while ((await this.get("/readyz"))[0] !== 200) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

const ping = { jsonrpc: "2.0", id: 1, method: "ping" };

test("before it is registered the sidecar says why it is not ready, and lets nothing through", async (t) => {
  const rig = await createRig(t, { isReachable: false });
  while (!(await rig.get("/readyz"))[1].includes("cannot be reached"))
    await new Promise((resolve) => setImmediate(resolve));
  const [status, answer] = await rig.post(toolCall("echo"));
  assert.deepEqual([status, answer.error.code, answer.id], [200, -32019, 1]);
  assert.equal((await rig.get("/v1/mcp"))[0], 503);
  assert.equal((await rig.get("/healthz"))[0], 200);
  rig.controlPlane.isReachable = true;
  await rig.untilReady();
});

test("a tenant without a policy has every call denied, and each denial reaches the control plane", async (t) => {
  const rig = await createRig(t);
  await rig.untilReady();
  const [, answer] = await rig.post(toolCall("echo"));
  assert.deepEqual([answer.error.code, answer.error.data.reason], [-32012, "policy.none"]);
  assert.equal(await rig.stop(), true);
  const events = rig.controlPlane.batches.flatMap(({ records }) =>
    records.map(({ body }) => SpoolBody.parse(body)),
  );
  assert.equal(events.length, 1);
  assert.ok(events[0]?.kind === "event" && events[0].event.event_id === answer.error.data.event_id);
});

test("a stop finishes requests in flight and ends streams that would never end", async (t) => {
  const rig = await createRig(t);
  await rig.untilReady();
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  rig.answering.now = async (forwarded, signal) => {
    if (forwarded.method === "GET") {
      const answer = sseAnswer([]);
      const endless = async function* () {
        yield Buffer.from(": open\n\n");
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      };
      return { ...answer, body: { ...answer.body, [Symbol.asyncIterator]: endless } };
    }
    if (forwarded.message?.kind === "request" && forwarded.message.method === "initialize") {
      const answer = await answerJson(forwarded, signal);
      return { ...answer, headers: { ...answer.headers, "mcp-session-id": "s" } };
    }
    begun.resolve();
    await gate.promise;
    return answerJson(forwarded, signal);
  };
  const stream = await rig.stream();
  const inFlight = rig.post(ping);
  await begun.promise;
  const stopped = rig.stop();
  assert.equal(await stream.text(), ": open\n\n");
  gate.resolve();
  assert.ok((await inFlight)[1].result);
  assert.equal(await stopped, true);
});

test("a session that is forgotten for want of room is ended at its tool server", async (t) => {
  const rig = await createRig(t, { settings: { POSTERN_SESSIONS_MAX: "1" } });
  await rig.untilReady();
  const ended = Promise.withResolvers<string | undefined>();
  let opened = 0;
  rig.answering.now = async (forwarded, signal) => {
    if (forwarded.method === "DELETE") ended.resolve(forwarded.headers.get("mcp-session-id"));
    opened += 1;
    const answer = await answerJson(forwarded, signal);
    return { ...answer, headers: { ...answer.headers, "mcp-session-id": `s${opened}` } };
  };
  const initialize = { jsonrpc: "2.0", id: 1, method: "initialize", params: {} };
  await rig.post(initialize);
  await rig.post(initialize);
  assert.equal(await ended.promise, "s1");
});

test("a stop without a control plane takes no longer than it may, and says that records are left", async (t) => {
  const rig = await createRig(t, { drainMs: 50 });
  await rig.untilReady();
  rig.controlPlane.isReachable = false;
  await rig.post(toolCall("echo"));
  assert.equal(await rig.stop(), false);
});
