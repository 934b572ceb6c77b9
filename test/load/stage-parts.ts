// The stages of one call, opened for measurement: each is the function that the sidecar calls, on the bench's own call.
import { join } from "node:path";
import { argumentsDigest, buildEvent, canonicalize } from "@postern/audit";
import { openSpool, type Spool } from "@postern/audit/spool";
import { chargesFor, createLeaseLedger, type Ledger } from "@postern/budget";
import { createMemoryLedger } from "@postern/budget/memory";
import { checkCapability, createVerifier, mint } from "@postern/capability";
import type { Capability, JsonValue, KeyUse, PolicyInput } from "@postern/contracts";
import { randomId, systemClock } from "@postern/fault";
import { readMessage, readServerMessage } from "@postern/mcp";
import { createPolicyEngine, openBundle, type PolicyEngine, packBundle } from "@postern/policy";
import { compileRego } from "@postern/policy/compile";
import { createKeySet, generateKeyPair, importSigningKey } from "@postern/signing";
import { answerBody, CAVEATS, callBody, callOf, policyOfSixtyRules } from "./workload.ts";

export interface Stage {
  readonly title: string;
  readonly run: () => unknown;
  /** Default 1. */
  readonly callsPerRun?: number;
}

export interface StageParts {
  readonly stages: readonly Stage[];
  close(): Promise<void>;
}

const TENANT = "acme";
const AT_ONCE = 64;
const LIMITS = { bytesMax: 1_048_576 };
const SALT = "0123456789abcdef".repeat(2);
const { arguments: ARGS, name: TOOL } = callOf(1).params;
const HOLDER = { upstream: "default", sessionId: "", remoteAddress: "127.0.0.1", requestId: randomId() };

/** Faults: what compiling the policy without `opa` (OPA_BIN, or on PATH) raises. */
export async function openStageParts(folder: string): Promise<StageParts> {
  const { token, openVerifier } = await openCapability();
  const warm = openVerifier();
  const verified = await warm.verify(token);
  if (!verified.ok) throw new Error(verified.reason.detail);
  const { capability } = verified;
  const engine = await openEngine();
  const memory = createMemoryLedger();
  const leased = createLeaseLedger({
    authority: {
      lease: (wish) => memory.lease(TENANT, { ...wish, holder: "bench" }),
      giveBack: (rest) => memory.giveBack(TENANT, { ...rest, holder: "bench" }),
    },
  });
  const spools = await Promise.all(
    (["os", "disk"] as const).map((durability) =>
      openSpool({
        directory: join(folder, durability),
        sidecarId: "bench",
        epoch: 1,
        durability,
        bytesMax: 2 ** 40,
      }),
    ),
  );
  const [os, disk] = spools;
  if (os === undefined || disk === undefined) throw new TypeError("a spool is missing");
  const body = Buffer.from(callBody(1));
  const answer = Buffer.from(answerBody("1"));
  const call = {
    tool: TOOL,
    args: ARGS,
    upstream: HOLDER.upstream,
    nowMs: Date.now(),
    mode: "call",
  } as const;

  return {
    stages: [
      { title: "read the message (0.4 KB, strictly)", run: () => readMessage(body, LIMITS) },
      { title: "verify the token, known", run: () => warm.verify(token) },
      { title: "verify the token, new", run: () => openVerifier().verify(token) },
      { title: "check 3 caveats", run: () => checkCapability(capability, call, { isRevoked: () => false }) },
      {
        title: "evaluate 60 rules, one call at a time",
        run: () => engine.evaluate(TENANT, inputOf(capability, TOOL)),
      },
      {
        title: `evaluate 60 rules, ${AT_ONCE} agents at once`,
        run: () =>
          atOnce((n) => engine.evaluate(TENANT, { ...inputOf(capability, TOOL), agent_id: `agent-${n}` })),
        callsPerRun: AT_ONCE,
      },
      { title: "reserve and settle, memory", run: () => charge(memory, capability) },
      { title: "reserve and settle, leased", run: () => charge(leased, capability) },
      { title: "digest the arguments", run: () => argumentsDigest(SALT, ARGS) },
      { title: "build the event", run: () => eventOf(capability) },
      {
        title: "build the event and canonicalize",
        run: () => canonicalize(eventOf(capability) as JsonValue),
      },
      { title: `append to the spool, os, ${AT_ONCE} at once`, ...appending(os, capability) },
      { title: `append to the spool, disk, ${AT_ONCE} at once`, ...appending(disk, capability) },
      { title: "append to the spool, disk, one at a time", run: () => append(disk, capability) },
      { title: "read the answer (1 KB)", run: () => readServerMessage(answer, LIMITS) },
    ],
    async close() {
      await leased.drain();
      await engine.close();
      await Promise.all(spools.map((spool) => spool.close()));
    },
  };
}

async function openCapability() {
  const { key, keys } = await signer("capability");
  const request = { tenant: TENANT, subject: "agent-of-the-bench", ttlSeconds: 86_400, caveats: CAVEATS };
  const { token } = await mint(request, { key, clock: systemClock, newId: randomId });
  return {
    token,
    openVerifier: () => createVerifier({ keys: () => keys, tenant: TENANT, clock: systemClock }),
  };
}

async function openEngine(): Promise<PolicyEngine> {
  const { key, keys } = await signer("bundle");
  const compiled = await compileRego({ source: policyOfSixtyRules(), opaPath: process.env.OPA_BIN ?? "opa" });
  const nowMs = Date.now();
  const createdAt = new Date(nowMs).toISOString();
  const expiresAt = new Date(nowMs + 86_400_000).toISOString();
  const { bytes } = await packBundle({ tenant: TENANT, revision: 1, createdAt, expiresAt, compiled, key });
  // The sidecar's own deadline: a busy machine is no reason to deny here either.
  const engine = createPolicyEngine({ deadlineMs: 250 });
  await engine.load(await openBundle(bytes, { keys, tenant: TENANT, revisionMin: 1, nowMs }));
  return engine;
}

async function signer(use: KeyUse) {
  const { kid, publicKey, secretKey } = await generateKeyPair();
  const keys = createKeySet([{ kid, public_key: publicKey, use, status: "active" }]);
  return { key: await importSigningKey(secretKey), keys };
}

function inputOf(capability: Capability, tool: string): PolicyInput {
  const nowMs = Date.now();
  const now = new Date(nowMs);
  return {
    action: "call",
    tool,
    args: ARGS,
    agent_id: capability.agent,
    session_id: HOLDER.sessionId,
    upstream: HOLDER.upstream,
    capability: {
      subject: capability.agent,
      issuer: capability.issuer,
      tenant: capability.tenant,
      token_id: capability.jti,
      root_token_id: capability.rootJti,
      caveat_count: capability.caveatCount,
      issued_at: new Date(capability.issuedAtMs).toISOString(),
    },
    budget: { calls_remaining: 1_000_000 },
    time: {
      now: now.toISOString(),
      unix_ms: nowMs,
      hour: now.getUTCHours(),
      minute: now.getUTCMinutes(),
      weekday: now.getUTCDay(),
    },
    remote_address: HOLDER.remoteAddress,
    request_id: HOLDER.requestId,
  };
}

async function charge(ledger: Ledger, capability: Capability): Promise<void> {
  const charges = chargesFor(capability, { nowMs: Date.now(), costMicros: 1000 });
  if (!charges.ok) throw new Error(charges.reason.detail);
  const reserved = await ledger.reserve(TENANT, charges.charges);
  if (!reserved.ok) throw new Error(reserved.reason.detail);
  await ledger.settle(reserved.reservation);
}

function eventOf(capability: Capability) {
  return buildEvent({
    ts: new Date().toISOString(),
    event: "intentgate.tool_call",
    decision: "allow",
    tenant: TENANT,
    agent_id: capability.agent,
    tool: TOOL,
    arg_keys: Object.keys(ARGS),
    capability_token_id: capability.jti,
    root_capability_token_id: capability.rootJti,
    caveat_count: capability.caveatCount,
    remote_ip: HOLDER.remoteAddress,
    event_id: randomId(),
    outcome: "unknown",
    method: "tools/call",
    upstream: HOLDER.upstream,
    request_id: HOLDER.requestId,
    args_digest: "0".repeat(64),
    policy_revision: 1,
    policy_sha256: "0".repeat(64),
    policy_rule: "unremarkable",
    sidecar_id: "bench",
    sidecar_epoch: 1,
  });
}

const append = (spool: Spool, capability: Capability) =>
  spool.append({ kind: "event", event: eventOf(capability), args_salt: SALT });

const appending = (spool: Spool, capability: Capability) => ({
  run: () => atOnce(() => append(spool, capability)),
  callsPerRun: AT_ONCE,
});

const atOnce = (work: (n: number) => Promise<unknown>) =>
  Promise.all(Array.from({ length: AT_ONCE }, (_, n) => work(n)));
