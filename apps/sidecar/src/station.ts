// Everything that a sidecar has once its control plane has told it who it is: control state, judge, spool, and the pipeline over them.
// Before that there is nothing to judge with and nowhere to write, so there is no station and nothing passes.
import { join } from "node:path";
import { openSpool, type Spool } from "@postern/audit/spool";
import type { Reason, RegisterReply } from "@postern/contracts";
import type { MessageRequest } from "@postern/decision";
import { createPolicyEngine } from "@postern/policy";
import { createApprovals } from "./approvals/approvals.ts";
import { assembleJudge } from "./assemble-judge.ts";
import { createCallClients } from "./call-clients.ts";
import type { SidecarConfig } from "./config.ts";
import type { ControlPlane } from "./control-plane.ts";
import { endSession } from "./end-session.ts";
import { createVigil } from "./halts/vigil.ts";
import { createHandles } from "./handles.ts";
import { problemsOf, warningsOf } from "./health.ts";
import { createJournal } from "./journal.ts";
import { createLogin, type Login } from "./login/login.ts";
import { createTrustedIssuers } from "./login/trusted-issuers.ts";
import { openRegistry } from "./open-registry.ts";
import { createPipeline, type Pipeline } from "./pipeline.ts";
import { createSessions } from "./sessions.ts";
import { createShipper } from "./ship/ship-records.ts";
import { createStrangerLog } from "./stranger-log.ts";
import type { Surroundings } from "./surroundings.ts";
import { openSync } from "./sync/open-sync.ts";
import { createTally } from "./tally.ts";
import type { UpstreamPlace } from "./tracing/message-attributes.ts";
import type { MessageObserver } from "./tracing/message-observer.ts";
import type { Upstream } from "./upstream/upstream.ts";
import { VERSION } from "./version.ts";

export interface Station {
  readonly pipeline: Pipeline;
  readonly login: Login;
  /** Why this token stands for nothing at this upstream; undefined when it does. */
  refusalOf(message: MessageRequest & { readonly host: string | undefined }): Promise<Reason | undefined>;
  /** What keeps it from being ready. */
  problems(): string[];
  /** What does not, and is worth a look. */
  warnings(): string[];
  /** Brings the gauges up to date. */
  measure(): void;
  /** Gives leases back, ships what the spool holds as far as time allows, and ends. True when all was shipped. */
  close(flushMs: number): Promise<boolean>;
}

export interface StationPorts extends Surroundings {
  readonly observer: MessageObserver;
  readonly controlPlane: ControlPlane;
  /** By name, to which registered ones come and go. */
  readonly upstreams: Map<string, Upstream>;
  /** How each is reached. */
  readonly places: Map<string, UpstreamPlace>;
  /** Fires when the sidecar is to end. */
  readonly closing: AbortSignal;
}

/** Tasks and states remembered over all callers. */
const HANDLES_MAX = 10_000;
/** Silence of the sync stream after which decisions are asked for. */
const HEARING_MS = 5_000;

/** @throws what opening the data folder and the spool throws. */
export async function openStation(
  config: SidecarConfig,
  identity: RegisterReply,
  ports: StationPorts,
): Promise<Station> {
  const { metrics } = ports;
  const { tenant, sidecar_id: sidecarId, epoch } = identity;
  const { dataDir } = config;
  // A sidecar that is registered anew is another one; its predecessor's records stay where they are.
  const spool = await openSpool({
    directory: join(dataDir, "spool", sidecarId),
    sidecarId,
    epoch,
    durability: config.spoolDurability,
    bytesMax: config.spoolBytesMax,
  });
  reportRecovery(spool, ports);
  const engine = createPolicyEngine({
    deadlineMs: config.policyDeadlineMs,
    clock: ports.clock,
    onTrouble: (trouble) => ports.log.warn("policy gave no decision", { ...trouble }),
    onQuestion: (way) => metrics.increment("policyEvaluations", { way }),
  });
  const approvals = createApprovals({
    ...ports,
    queue: ports.controlPlane,
    isHearing: () => sync.ageMs() < HEARING_MS,
  });
  const callClients = createCallClients({ ...config, version: VERSION });
  const sessions = createSessions({ ...config, clock: ports.clock, onForgotten: sessionEnder(ports) });
  const registry = openRegistry(config, { ...ports, sessions, callClients });
  const sync = await openSync(
    { ...config, tenant, sidecarId, epoch, directory: join(dataDir, "state") },
    { ...ports, engine, approvals, registry },
  );
  const { state, pins, halts, policies } = sync;
  const { judge, budget } = assembleJudge(config, { ...ports, ...identity, state, halts, engine: policies });
  const vigil = createVigil({ judge });
  sync.onApplied(vigil.look);
  const shipper = createShipper({ ...ports, sidecarId, spool, keys: state.keys });
  const journal = createJournal({
    ...ports,
    speaker: { tenant, sidecarId, epoch },
    spool,
    onAppended: shipper.nudge,
  });
  const strangers = createStrangerLog({ ...ports, journal, spool });
  const issuers = createTrustedIssuers({
    ...ports,
    tenant,
    keys: state.keys,
    onChanged: () => login.forget(),
  });
  const { publicUrl } = config;
  const exchanging = createLogin({ ...ports, issuers, publicUrl, upstreams: ports.upstreams });
  const login: Login = {
    ...exchanging,
    // While everybody is stopped no access token is shown to anybody.
    resolve: (bearer, entrance) => halts.refusalOf() ?? exchanging.resolve(bearer, entrance),
  };
  const stopping = new AbortController();
  const following = issuers.follow(stopping.signal);
  const streams = createTally();
  const pipeline = createPipeline({
    ...config,
    ...ports,
    judge,
    login,
    sessions,
    streams,
    vigil,
    handles: createHandles({ handlesMax: HANDLES_MAX }),
    callClients,
    approvals,
    pins,
    journal,
    strangers,
    budget,
    stale: state.stale,
    argValues: config.auditArgValues,
  });
  return {
    pipeline,
    login,
    async refusalOf({ token: bearer, upstream, host }) {
      const token = bearer === undefined ? undefined : await login.resolve(bearer, { upstream, host });
      if (typeof token === "object") return token;
      const standing = await judge.authenticate({ token, upstream });
      return standing.ok ? undefined : standing.reason;
    },
    problems: () => problemsOf({ state, spool, journal, shipper }),
    warnings: () => [...warningsOf({ shipper }), ...registry.warnings()],
    measure() {
      metrics.set("syncAge", sync.ageMs() / 1000);
      metrics.set("spoolBytes", spool.usage().bytes);
      metrics.set("spoolBytesMax", spool.usage().bytesMax);
      metrics.set("auditWaiting", shipper.waitingMs() / 1000);
      metrics.set("outcomesOwed", journal.owed());
      metrics.set("sessionsOpen", sessions.size);
      metrics.set("streamsOpen", streams.total());
      metrics.set("approvalsWaiting", approvals.room.size);
    },
    async close(flushMs) {
      stopping.abort();
      await following;
      await callClients.close();
      await strangers.close();
      journal.stop();
      await budget.drain();
      const flushed = await shipper.flush(flushMs);
      await shipper.stop();
      await sync.close();
      await registry.close();
      await engine.close();
      await spool.close();
      return flushed;
    },
  };
}

/** What becomes of a session that is forgotten for want of room. */
function sessionEnder({ upstreams, closing }: Pick<StationPorts, "upstreams" | "closing">) {
  return (name: string, sessionId: string) => {
    const upstream = upstreams.get(name);
    if (upstream !== undefined) void endSession(upstream, sessionId, closing);
  };
}

/** What an earlier end left behind is worth knowing, and what is lost is worth an alarm. */
function reportRecovery({ recovery }: Spool, { log }: Pick<StationPorts, "log">): void {
  const { closedIntents, cursorLost, missing, setAside } = recovery;
  if (closedIntents > 0) log.warn("calls of an earlier run have no known outcome", { calls: closedIntents });
  if (missing.length > 0 || setAside.length > 0 || cursorLost) {
    log.error("the audit spool was damaged", undefined, {
      missing,
      set_aside: setAside,
      cursor_lost: cursorLost,
    });
  }
}
