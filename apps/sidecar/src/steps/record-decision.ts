// Step 5: the decision is written down before it has any effect (P2). An allowed call becomes an intent record and goes on only when that
// is durable, and so does a message that only the configuration lets pass; a refusal becomes one complete event. What cannot be recorded is
// refused, whatever was decided. A caller who proved nothing is refused in any case, and recorded as far as that costs little.
import { argumentsDigest } from "@postern/audit";
import type { Ledger } from "@postern/budget";
import {
  ERROR_CODE,
  type JsonObject,
  REASONS,
  type ReasonCode,
  reason,
  type SpoolBody,
} from "@postern/contracts";
import { type Clock, toFault } from "@postern/fault";
import type { Logger, Metrics } from "@postern/telemetry";
import { type ArgValuesMode, auditEvent, type Verdict } from "../audit-event.ts";
import type { Journal } from "../journal.ts";
import { type Cleared, grow, type Identified, type Recorded, type Refused, refuse } from "../stages.ts";
import type { StrangerLog } from "../stranger-log.ts";

export interface RecordPorts {
  readonly journal: Pick<Journal, "append" | "speaker">;
  readonly strangers: Pick<StrangerLog, "tell">;
  readonly budget: Pick<Ledger, "release">;
  readonly clock: Clock;
  /** 128 random bits as hexadecimal text. */
  readonly newSalt: () => string;
  readonly argValues: ArgValuesMode;
  readonly metrics: Pick<Metrics, "increment" | "observeMs">;
  readonly log: Logger;
}

export async function recordDecision(stage: Cleared, ports: RecordPorts): Promise<Recorded | Refused> {
  const { applied, decision: findings, grant: approval } = stage;
  const verdict: Verdict = {
    ...{ decision: "allow", check: "", reason: "", reasons: [] },
    ...{ findings, applied, approval },
  };
  try {
    const startedMs = ports.clock.monotonicMs();
    const recorded = await ports.journal.append(describe("intent", stage, verdict, ports));
    ports.metrics.observeMs("checkDuration", { check: "audit" }, ports.clock.monotonicMs() - startedMs);
    ports.metrics.increment("decisions", { decision: "allow", check: "", reason: "" });
    return grow(stage, { recorded });
  } catch (caught) {
    await ports.budget.release(stage.decision.reservation);
    return unrecorded(stage, caught, ports);
  }
}

/** The refusal to answer with: the given one, or that it could not be recorded. What was recorded already, or could not be, stays as it is. */
export async function recordRefusal(
  stage: Identified,
  refused: Refused,
  ports: RecordPorts,
): Promise<Refused> {
  // The streams of a session are no calls: an event for each attempt to open one would tell nothing.
  if (stage.verb !== "POST" || refused.eventId !== undefined || refused.check === "audit") return refused;
  const { check, decision, findings } = refused;
  const verdict: Verdict = {
    decision,
    check,
    reason: refused.reasons[0]?.detail ?? "",
    reasons: refused.reasons.map(({ code }) => code),
    findings,
    applied: refused.applied,
    approval: refused.approval,
  };
  if (stage.kind === "call") {
    ports.metrics.increment("decisions", { decision, check, reason: refused.reasons[0]?.code ?? "" });
  }
  if (findings.capability === undefined) return recordStranger(stage, refused, verdict, ports);
  try {
    await ports.journal.append(describe("event", stage, verdict, ports));
    return { ...refused, eventId: stage.eventId };
  } catch (caught) {
    return unrecorded(stage, caught, ports);
  }
}

/** The record, made when its turn to be written comes; how long it took until now is taken at once. */
function describe(
  kind: "intent" | "event",
  stage: Identified,
  verdict: Verdict,
  ports: RecordPorts,
): () => SpoolBody {
  const latencyMs = ports.clock.monotonicMs() - stage.startedMs;
  return () => {
    const args = argumentsOf(stage);
    const salt = args === undefined ? "" : ports.newSalt();
    const message = {
      ...told(stage),
      args: args ?? NO_ARGUMENTS,
      argsDigest: args === undefined ? "" : argumentsDigest(salt, args),
      latencyMs,
    };
    return {
      kind,
      event: auditEvent(ports.journal.speaker, message, verdict, ports.argValues),
      args_salt: salt,
    };
  };
}

const NO_ARGUMENTS: JsonObject = {};

const told = (stage: Identified) => ({
  eventId: stage.eventId,
  requestId: stage.requestId,
  receivedAtMs: stage.receivedAtMs,
  method: stage.method,
  tool: stage.kind === "call" ? stage.tool : "",
  upstream: stage.upstream,
  sessionId: stage.sessionId,
  remoteAddress: stage.remoteAddress,
});

/** What a message asks with: the arguments of a call; of any other message its params, but for what accompanies them. */
function argumentsOf(stage: Identified): JsonObject | undefined {
  if (stage.kind === "call") return stage.args;
  if (stage.message === undefined || stage.message.kind === "response") return undefined;
  const { _meta, ...asked } = stage.message.params ?? {};
  return asked;
}

/** Small, whatever was sent: none of what a stranger says he wants to call with, and no claim to a session. */
async function recordStranger(
  stage: Identified,
  refused: Refused,
  verdict: Verdict,
  { strangers, journal, clock }: RecordPorts,
): Promise<Refused> {
  const code = refused.reasons.map((each) => each.code).find(isReasonCode) ?? "internal";
  const isTold = await strangers.tell(code, () => {
    const message = {
      ...stage,
      tool: stage.kind === "call" ? stage.tool.slice(0, STRANGER_CHARS_MAX) : "",
      sessionId: "",
      args: {},
      argsDigest: "",
      latencyMs: clock.monotonicMs() - stage.startedMs,
    };
    const bounded = { ...verdict, reason: verdict.reason.slice(0, STRANGER_CHARS_MAX) };
    return auditEvent(journal.speaker, message, bounded, "off");
  });
  return isTold ? { ...refused, eventId: stage.eventId } : refused;
}

const STRANGER_CHARS_MAX = 128;

const isReasonCode = (code: string): code is ReasonCode => Object.hasOwn(REASONS, code);

function unrecorded(stage: Identified, caught: unknown, { log }: RecordPorts): Refused {
  log.error("call not recorded, so not made", toFault(caught), { request_id: stage.requestId });
  return refuse(stage, {
    code: ERROR_CODE.audit_unavailable,
    check: "audit",
    reasons: [reason("audit.unavailable")],
  });
}
