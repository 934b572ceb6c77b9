// What the pipeline's tests stand on: a judge that decides by the tool's name, an upstream that answers as told, a caller that can leave,
// and a real spool on disk, from which the events are read back.
import { join } from "node:path";
import type { TestContext } from "node:test";
import { openSpool, type Spool } from "@postern/audit/spool";
import type { Reservation } from "@postern/budget";
import { checkStanding } from "@postern/capability";
import {
  type AuditEvent,
  type CallOutcome,
  type Capability,
  ERROR_CODE,
  type JsonObject,
  type PolicyDecision,
  reason,
} from "@postern/contracts";
import type { Decision, Judge } from "@postern/decision";
import { createMetrics, silentLogger } from "@postern/telemetry";
import { defer, fixedClock, sequentialIds, temporaryDirectory } from "@postern/testkit";
import { type Answering, answerJson } from "./answers.fixture.ts";
import { createApprovals } from "./approvals/approvals.ts";
import { createMemoryQueue } from "./approvals/memory-queue.fixture.ts";
import type { CallClients } from "./call-clients.ts";
import { createMemoryExchange, type MemoryExchange } from "./exchange.fixture.ts";
import { createVigil } from "./halts/vigil.ts";
import { createHandles } from "./handles.ts";
import { createJournal, type Journal } from "./journal.ts";
import { createPipeline, type Pipeline, type PipelinePorts } from "./pipeline.ts";
import { createSessions, type Sessions } from "./sessions.ts";
import type { Received } from "./stages.ts";
import type { StrangerLog } from "./stranger-log.ts";
import { createTally } from "./tally.ts";
import { systemSleep } from "./timing.ts";
import { silentObserver } from "./tracing/message-observer.ts";
import { createCallClient } from "./upstream/session.ts";
import type { Upstream, UpstreamRequest } from "./upstream/upstream.ts";

export function capabilityOf(known: Partial<Capability> = {}): Capability {
  return {
    tenant: "acme",
    agent: "alice",
    issuer: "postern",
    jti: "jti-1",
    rootJti: "root-1",
    parentJti: undefined,
    kid: "k4.pid.test",
    issuedAtMs: 0,
    notBeforeMs: undefined,
    expiresAtMs: undefined,
    stepUpAtMs: undefined,
    hops: [],
    caveatCount: 0,
    ...known,
  };
}

/** Tokens "alice" and "mallory" are good; a tool, prompt or URI named "deny:<check>" or "escalate" is decided so, every other is allowed. */
function createScriptedJudge(
  capabilities: ReadonlyMap<string, Capability>,
  newId: () => string,
  policyNow: () => PolicyDecision,
) {
  const reserved: Reservation[] = [];
  const pointer = {
    revision: 3,
    digest: "d".repeat(64),
    kid: "k4.pid.test",
    expires_at: "2027-01-01T00:00:00Z",
  };
  const standing = (token: string | undefined) => capabilities.get(token ?? "");
  const judge: Judge = {
    async authenticate({ token, upstream }) {
      const capability = standing(token);
      if (capability === undefined) return { ok: false, reason: reason("capability.signature"), capability };
      const refusal = checkStanding(capability, { upstream, nowMs: 0 }, { isRevoked: () => false });
      return refusal === undefined ? { ok: true, capability } : { ok: false, reason: refusal, capability };
    },
    async decide({ token, tool, args, approval }): Promise<Decision> {
      const capability = standing(token);
      const timingsMs = {};
      if (capability === undefined) throw new Error("authenticated before");
      const check = DENIED.exec(namedIn(tool, args))?.[1] as "capability" | undefined;
      if (check !== undefined) {
        return {
          outcome: "deny",
          check,
          code: ERROR_CODE[check],
          reasons: [reason("policy.denied", `no: ${check}`)],
          capability,
          timingsMs,
        };
      }
      const found = { capability, policy: policyNow(), pointer, timingsMs };
      if (namedIn(tool, args) === "escalate" && approval === undefined) {
        return {
          ...found,
          outcome: "escalate",
          check: "policy",
          code: ERROR_CODE.approval_pending,
          reasons: [reason("policy.escalated")],
        };
      }
      const reservation = { id: newId(), charges: [] };
      reserved.push(reservation);
      return { ...found, outcome: "allow", reservation };
    },
    visible: async ({ tool, args = {} }) => !DENIED.test(namedIn(tool, args)),
  };
  return { judge, reserved };
}

const DENIED = /^deny:(capability|intent|policy|budget)$/;
const namedIn = (tool: string, { name, uri }: JsonObject) => String(name ?? uri ?? tool);

export interface Rig {
  readonly pipeline: Pipeline;
  readonly ports: PipelinePorts;
  readonly sessions: Sessions;
  readonly capabilities: Map<string, Capability>;
  readonly spool: Spool;
  readonly journal: Journal;
  /** Everything that reached the upstream. */
  readonly forwarded: UpstreamRequest[];
  /** How each reservation was closed, by id. */
  readonly closed: Map<string, string[]>;
  readonly reserved: Reservation[];
  answering: Answering;
  /** What the policy says of each call that is not refused. */
  policy: PolicyDecision;
  /** Events as the chain would hold them, with the outcome in place. */
  events(): Promise<(AuditEvent & { outcomes: number })[]>;
  send(message: unknown, options?: SendOptions): Promise<MemoryExchange>;
}

export interface SendOptions extends Partial<Omit<Received, "headers" | "body">> {
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly exchange?: MemoryExchange;
}

export async function createRig(t: TestContext, changes: Partial<PipelinePorts> = {}): Promise<Rig> {
  const clock = fixedClock();
  const newId = sequentialIds("id");
  const spool = await openSpool({
    directory: join(temporaryDirectory(t), "spool"),
    sidecarId: "sidecar-1",
    epoch: 1,
    durability: "os",
    bytesMax: 64 * 1_048_576,
  });
  defer(t, () => spool.close());
  const capabilities = new Map([
    ["alice", capabilityOf()],
    ["mallory", capabilityOf({ agent: "mallory", jti: "jti-2", rootJti: "root-2" })],
  ]);
  const { judge, reserved } = createScriptedJudge(capabilities, newId, () => rig.policy);
  const sessions = createSessions({ sessionsMax: 100, sessionsPerRootMax: 3, clock });
  const forwarded: UpstreamRequest[] = [];
  const closed = new Map<string, string[]>();
  const close =
    (how: string) =>
    async ({ id }: Reservation) =>
      void closed.set(id, [...(closed.get(id) ?? []), how]);
  const upstream: Upstream = {
    name: "default",
    async forward(request, signal) {
      forwarded.push(request);
      return rig.answering(request, signal);
    },
    probe: async () => ({ ok: true }),
    close: async () => {},
  };
  const journal = createJournal({
    speaker: { tenant: "acme", sidecarId: "sidecar-1", epoch: 1 },
    spool,
    sleep: async () => {},
    random: () => 0,
    log: silentLogger,
    onAppended: () => {},
  });
  const callClients: Pick<CallClients, "clientFor"> = {
    clientFor: (to) => createCallClient({ upstream: to, clientInfo: { name: "test", version: "0" } }),
  };
  const strangers: Pick<StrangerLog, "tell"> = {
    async tell(_code, describe) {
      return ports.journal.append({ kind: "event", event: describe(), args_salt: "" }).then(
        () => true,
        () => false,
      );
    },
  };
  const queue = createMemoryQueue({ nowMs: clock.nowMs });
  const closing = new AbortController();
  defer(t, () => closing.abort());
  const ports: PipelinePorts = {
    judge,
    sessions,
    streams: createTally(),
    vigil: createVigil({ judge }),
    login: { resolve: (bearer) => bearer, challenge: () => undefined },
    handles: createHandles({ handlesMax: 10 }),
    pins: { refusalOf: () => undefined, admit: () => true },
    streamsPerRootMax: 2,
    journal,
    strangers,
    callClients,
    budget: { settle: close("settled"), release: close("released") },
    upstreams: new Map([["default", upstream]]),
    stale: () => undefined,
    closing: closing.signal,
    approvals: createApprovals({
      ...{ queue, clock, closing: closing.signal, log: silentLogger },
      isHearing: () => true,
      sleep: systemSleep,
    }),
    approvalMode: "resume",
    approvalWaitMs: 300_000,
    newId,
    clock,
    newSalt: () => "5a17".repeat(8),
    metrics: createMetrics([]),
    log: silentLogger,
    observer: silentObserver,
    argValues: "keys",
    bodyBytesMax: 1_048_576,
    responseBytesMax: 65_536,
    allowMethods: [],
    ...changes,
  };
  const pipeline = createPipeline(ports);
  const rig: Rig = {
    pipeline,
    ports,
    sessions,
    capabilities,
    spool,
    journal,
    forwarded,
    closed,
    reserved,
    answering: answerJson,
    policy: { allow: true, rule: "test", cost_micros: 7 },
    events: () => readEvents(spool),
    async send(message, { token = "alice", headers = {}, exchange = createMemoryExchange(), ...known } = {}) {
      const body =
        message instanceof Uint8Array
          ? message
          : Buffer.from(message === undefined ? "" : JSON.stringify(message));
      const all = { ...(token !== null && { authorization: `Bearer ${token}` }), ...headers };
      await pipeline(
        {
          door: "mcp",
          verb: "POST",
          path: "/v1/mcp",
          upstream: "default",
          remoteAddress: "127.0.0.1",
          requestId: newId(),
          eventId: newId(),
          receivedAtMs: clock.nowMs(),
          startedMs: clock.monotonicMs(),
          gone: exchange.gone,
          ...known,
          headers: new Map(Object.entries(all)),
          body,
        },
        exchange,
      );
      return exchange;
    },
  };
  return rig;
}

async function readEvents(spool: Spool): Promise<(AuditEvent & { outcomes: number })[]> {
  const batch = await spool.read({ epoch: 0, sequence: 0 }, 1_000);
  const events = new Map<string, AuditEvent & { outcomes: number }>();
  for (const { body } of batch?.records ?? []) {
    if (body.kind === "lost_end") throw new Error("nothing was damaged");
    if (body.kind === "outcome") {
      const event = events.get(body.event_id);
      if (event === undefined) throw new Error("an outcome without its intent");
      const { kind: _, event_id, ...outcome } = body;
      Object.assign(event, outcome satisfies CallOutcome, { outcomes: event.outcomes + 1 });
    } else {
      if (events.has(body.event.event_id)) throw new Error("two events of one id");
      events.set(body.event.event_id, { ...body.event, outcomes: 0 });
    }
  }
  return [...events.values()];
}
