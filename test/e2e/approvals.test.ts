// A call that a person has to approve, from end to end: real clients of both protocol eras, a real sidecar for each way of waiting, a real control
// plane, and tool servers that write down what ran.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import type { AdminClient } from "@postern/client";
import type { AuditEvent } from "@postern/contracts";
import { defer, startProcess, type TestScope, temporaryDirectory } from "@postern/testkit";
import {
  ADMIN_TOKEN,
  eventually,
  provisionTenant,
  startControlPlane,
  startSidecar,
  TENANT,
} from "./stack.ts";

const POLICY = `package intentgate.policy

default decision := {"allow": true, "rule": "open"}

decision := {"allow": false, "escalate": true, "reason": "A large amount.", "rule": "large"} if input.args.amount > 1000
`;

type Mode = "resume" | "block" | "protocol";
/** What a client's user answers when asked whether to go on waiting, and what is sent with each request. */
interface Outfit {
  readonly url: string;
  readonly token: string;
  readonly headers?: Headers;
  readonly asked?: string[];
  readonly answer?: () => "accept" | "decline";
}

async function startRecorder(t: TestScope, script: string) {
  const log = join(temporaryDirectory(t), "executed.log");
  const { match } = await startProcess(t, {
    command: process.execPath,
    args: [join(import.meta.dirname, script), log],
    ready: /^\{"url":.*\}$/m,
  });
  const lines = () => (existsSync(log) ? readFileSync(log, "utf8").split("\n").filter(Boolean) : []);
  return {
    url: String(JSON.parse(match[0] ?? "{}").url),
    ran: () => lines().map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

/** One control plane and one tenant for all tests of this file; each way of waiting has a sidecar of its own. */
async function startWorld(t: TestContext) {
  const [legacy, modern, controlPlane] = await Promise.all([
    startRecorder(t, "recording-server.ts"),
    startRecorder(t, "modern-recording-server.ts"),
    startControlPlane(t),
  ]);
  const { admin } = controlPlane;
  await provisionTenant(admin, POLICY);
  const POSTERN_UPSTREAMS = JSON.stringify({ legacy: { url: legacy.url }, modern: { url: modern.url } });
  const launch = async (mode: Mode, env: Record<string, string> = {}) => {
    const enrolment = await admin.addSidecar({ tenant: TENANT, name: mode });
    const dataDir = temporaryDirectory(t);
    const start = () =>
      startSidecar(t, {
        ...{ controlPlaneUrl: controlPlane.url, enrolment, dataDir },
        env: { POSTERN_UPSTREAMS, POSTERN_APPROVAL_MODE: mode, ...env },
      });
    return { ...(await start()), restart: start };
  };
  const mint = async () => {
    const { token, jti } = await admin.mint({ subject: "agent-x", tenant: TENANT, ttl_seconds: 3600 });
    return { token, jti };
  };
  /** With all that an event holds. */
  const events = async (): Promise<AuditEvent[]> => {
    const query = `tenant=${TENANT}&limit=1000`;
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const page = await (await fetch(`${controlPlane.url}/v1/admin/audit?${query}`, { headers })).json();
    return (page as { items: AuditEvent[] }).items.filter(({ event }) => event === "intentgate.tool_call");
  };
  return { admin, legacy, modern, launch, mint, events };
}

/** The call that waits and has these arguments. */
const waiting = (admin: AdminClient, nonce: string) =>
  eventually(async () => {
    const { items } = await admin.approvals({ tenant: TENANT });
    const found = items.find((item) => item.arguments.nonce === nonce);
    assert.ok(found, `${nonce} waits`);
    return found;
  });

const fetchWith =
  ({ token, headers }: Outfit): typeof fetch =>
  (input, init) => {
    const all = new Headers(init?.headers);
    all.set("authorization", `Bearer ${token}`);
    for (const [key, value] of headers ?? []) all.set(key, value);
    return fetch(input, { ...init, headers: all });
  };

interface Caller {
  call(
    name: string,
    args: Record<string, unknown>,
    onprogress?: (step: { progress: number; message?: string | undefined }) => void,
  ): Promise<Readonly<Record<string, unknown>>>;
}

async function connectFirst(t: TestContext, outfit: Outfit): Promise<Caller> {
  const client = new Client({ name: "e2e", version: "1" }, { capabilities: { elicitation: {} } });
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    outfit.asked?.push(params.message);
    return { action: outfit.answer?.() ?? "accept", content: {} };
  });
  const transport = new StreamableHTTPClientTransport(new URL(outfit.url), { fetch: fetchWith(outfit) });
  await client.connect(transport as Parameters<Client["connect"]>[0]);
  defer(t, () => client.close());
  return {
    call: (name, args, onprogress) =>
      client.callTool({ name, arguments: args }, undefined, onprogress && { onprogress }),
  };
}

async function connectSecond(t: TestContext, outfit: Outfit): Promise<Caller> {
  const client = new ModernClient(
    { name: "e2e", version: "1" },
    { capabilities: { elicitation: {} }, versionNegotiation: { mode: { pin: "2026-07-28" } } },
  );
  client.setRequestHandler("elicitation/create", ({ params }) => {
    outfit.asked?.push(params.message);
    return { action: outfit.answer?.() ?? "accept", content: {} } as never;
  });
  await client.connect(new ModernTransport(new URL(outfit.url), { fetch: fetchWith(outfit) }));
  defer(t, () => client.close());
  return {
    call: (name, args, onprogress) =>
      client.callTool({ name, arguments: args }, onprogress && { onprogress }),
  };
}

const GENERATIONS = [
  { name: "@modelcontextprotocol/sdk", connect: connectFirst, at: "legacy", tool: "transfer" },
  { name: "@modelcontextprotocol/client of 2026-07-28", connect: connectSecond, at: "modern", tool: "pay" },
] as const;

const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => assert.fail("it ran"),
    (caught: { code?: number; message?: string; data?: Record<string, unknown> }) => caught,
  );

const textIn = ({ content }: Readonly<Record<string, unknown>>) =>
  Array.isArray(content) ? String(content[0]?.text) : "";

test("a call waits for a person and runs once, with real clients of both eras and each way of waiting", {
  timeout: 300_000,
}, async (t) => {
  const world = await startWorld(t);
  const { admin, launch, mint } = world;
  const decide = (id: string, decision: "approve" | "reject", reason = "") =>
    admin.decideApproval(id, { decision, reason });
  const ranOf = (nonce: string) =>
    [...world.legacy.ran(), ...world.modern.ran()].filter((line) => line.nonce === nonce);
  const eventsOf = (id: string) =>
    eventually(async () => {
      const events = (await world.events()).filter(({ pending_id }) => pending_id === id);
      assert.ok(events.some(({ decision }) => decision === "allow"));
      return events.map(({ decision, decided_by, outcome }) => [decision, decided_by !== "", outcome]);
    });
  const [resuming, blocking, conversing] = await Promise.all([
    launch("resume"),
    launch("block"),
    launch("protocol"),
  ]);

  for (const { name, connect, at, tool } of GENERATIONS) {
    await t.test(`resume: ${name} comes back with the id, also after a restart of the sidecar`, async (t) => {
      const headers = new Headers();
      const { token } = await mint();
      let sidecar = resuming;
      const client = await connect(t, { url: `${sidecar.mcpUrl}/${at}`, token, headers });
      const args = { nonce: `resume-${at}`, amount: 5_000 };
      const told = await refusal(client.call(tool, args));
      assert.deepEqual([told.code, told.data?.status], [-32014, "pending"]);
      const again = await refusal(client.call(tool, args));
      assert.equal(again.data?.pending_id, told.data?.pending_id);
      const parked = await waiting(admin, args.nonce);
      assert.deepEqual([parked.id, parked.arguments], [told.data?.pending_id, args]);
      await decide(parked.id, "approve");
      await sidecar.process.stop("SIGKILL");
      sidecar = { ...resuming, ...(await resuming.restart()) };
      const later = await connect(t, { url: `${sidecar.mcpUrl}/${at}`, token, headers });
      headers.set("x-postern-approval-id", parked.id);
      const other = await refusal(later.call(tool, { ...args, amount: 5_001 }));
      assert.deepEqual([other.code, other.data?.reason], [-32012, "policy.approval_unknown"]);
      const both = await Promise.allSettled([later.call(tool, args), later.call(tool, args)]);
      assert.equal(both.filter(({ status }) => status === "fulfilled").length, 1);
      const used = await refusal(later.call(tool, args));
      assert.deepEqual([used.code, used.data?.reason], [-32012, "policy.approval_used"]);
      assert.equal(ranOf(args.nonce).length, 1);
      Object.assign(resuming, sidecar);
    });

    await t.test(`block: ${name} waits with signs of life`, async (t) => {
      const { token } = await mint();
      const client = await connect(t, { url: `${blocking.mcpUrl}/${at}`, token });
      const steps: string[] = [];
      const args = { nonce: `block-${at}`, amount: 5_000 };
      const answered = client.call(tool, args, ({ message = "" }) => steps.push(message));
      const parked = await waiting(admin, args.nonce);
      await eventually(async () => assert.deepEqual(steps, ["Waiting for approval by a person."]));
      assert.equal(ranOf(args.nonce).length, 0);
      await decide(parked.id, "approve");
      assert.match(textIn(await answered), /5000/);
      assert.equal(ranOf(args.nonce).length, 1);
      assert.deepEqual((await eventsOf(parked.id)).sort(), [
        ["allow", true, "executed"],
        ["escalate", false, "none"],
      ]);

      const refused = { nonce: `rejected-${at}`, amount: 5_000 };
      const rejected = refusal(client.call(tool, refused));
      await decide((await waiting(admin, refused.nonce)).id, "reject", "Not to this account.");
      const { code, data, message = "" } = await rejected;
      assert.deepEqual([code, data?.reason], [-32012, "policy.rejected"]);
      assert.match(message, /Not to this account\./);
      assert.equal(ranOf(refused.nonce).length, 0);
    });

    await t.test(`protocol: ${name} asks its user whether to go on waiting`, async (t) => {
      const { token } = await mint();
      const asked: string[] = [];
      const url = `${conversing.mcpUrl}/${at}`;
      const client = await connect(t, { url, token, asked });
      const args = { nonce: `protocol-${at}`, amount: 5_000 };
      const answered = client.call(tool, args);
      const parked = await waiting(admin, args.nonce);
      await eventually(async () => assert.match(asked[0] ?? "", /person has to approve.*A large amount\./));
      await decide(parked.id, "approve");
      assert.match(textIn(await answered), /5000/);
      const [ran, ...more] = ranOf(args.nonce);
      assert.deepEqual(more, []);
      if (at === "modern") assert.deepEqual(ran, { nonce: args.nonce, state: null });

      const impatient = await connect(t, { url, token, answer: () => "decline" });
      const given = { nonce: `given-up-${at}`, amount: 5_000 };
      assert.equal((await refusal(impatient.call(tool, given))).code, -32014);
      await decide((await waiting(admin, given.nonce)).id, "approve");
      assert.equal(ranOf(given.nonce).length, 0);
    });
  }

  await t.test("a token that was revoked while its call waited does not run it", async (t) => {
    const { token, jti } = await mint();
    const client = await connectFirst(t, { url: `${blocking.mcpUrl}/legacy`, token });
    const args = { nonce: "revoked", amount: 5_000 };
    const answered = refusal(client.call("transfer", args));
    const parked = await waiting(admin, args.nonce);
    await admin.revoke(jti, { reason: "test", tenant: TENANT });
    await decide(parked.id, "approve");
    const { code } = await answered;
    assert.equal(code, -32010);
    assert.equal(ranOf(args.nonce).length, 0);
  });

  await t.test(
    "a sidecar that ends tells whoever waits to come back, and so does the longest wait",
    async (t) => {
      const patient = await launch("block", { POSTERN_APPROVAL_WAIT_MS: "1500" });
      const { token } = await mint();
      const client = await connectFirst(t, { url: `${patient.mcpUrl}/legacy`, token });
      const late = await refusal(client.call("transfer", { nonce: "late", amount: 5_000 }));
      assert.deepEqual([late.code, late.data?.status], [-32014, "pending"]);
      const other = await connectFirst(t, { url: `${blocking.mcpUrl}/legacy`, token });
      const answered = refusal(other.call("transfer", { nonce: "drained", amount: 5_000 }));
      await waiting(admin, "drained");
      await eventually(async () => {
        const page = await (await fetch(`${blocking.url}/metrics`)).text();
        assert.match(page, /^postern_approvals_waiting 1$/m);
      });
      await blocking.process.stop("SIGTERM");
      assert.equal((await answered).code, -32014);
    },
  );

  assert.equal((await admin.verifyAudit({ tenant: TENANT })).verified, true);
});
