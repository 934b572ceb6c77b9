// Step 5: the decision is written down before it has any effect (P2). An allowed call becomes an intent record and goes on only when that
// is durable; a refusal becomes one complete event. What cannot be recorded is refused, whatever was decided.
import { argumentsDigest } from "@postern/audit";
import type { Ledger } from "@postern/budget";
import { type AuditEvent, ERROR_CODE, reason } from "@postern/contracts";
import { type Clock, toFault } from "@postern/fault";
import type { Logger, Metrics } from "@postern/telemetry";
import { type ArgValuesMode, auditEvent, type Verdict } from "../audit-event.ts";
import type { Journal } from "../journal.ts";
import { type Decided, type Identified, type Recorded, type Refused, refuse } from "../stages.ts";

export interface RecordPorts {
  readonly journal: Pick<Journal, "append" | "speaker">;
  readonly budget: Pick<Ledger, "release">;
  readonly clock: Clock;
  /** 128 random bits as hexadecimal text. */
  readonly newSalt: () => string;
  readonly argValues: ArgValuesMode;
  readonly metrics: Pick<Metrics, "increment">;
  readonly log: Logger;
}

export async function recordDecision(stage: Decided, ports: RecordPorts): Promise<Recorded | Refused> {
  const verdict: Verdict = {
    decision: "allow",
    check: "",
    reason: "",
    reasons: [],
    findings: stage.decision,
  };
  try {
    const { event, salt } = describe(stage, verdict, ports);
    const recorded = await ports.journal.append({ kind: "intent", event, args_salt: salt });
    ports.metrics.increment("decisions", { decision: "allow", check: "", reason: "" });
    return { ...stage, recorded };
  } catch (caught) {
    await ports.budget.release(stage.decision.reservation);
    return unrecorded(stage, caught, ports);
  }
}

/** The refusal to answer with: the given one, or that it could not be recorded. */
export async function recordRefusal(
  stage: Identified,
  refused: Refused,
  ports: RecordPorts,
): Promise<Refused> {
  // The streams of a session are no calls: an event for each attempt to open one would tell nothing.
  if (stage.verb !== "POST") return refused;
  const { check, decision, findings } = refused;
  const verdict: Verdict = {
    decision,
    check,
    reason: refused.reasons[0]?.detail ?? "",
    reasons: refused.reasons.map(({ code }) => code),
    findings,
  };
  if (stage.kind === "call") {
    ports.metrics.increment("decisions", { decision, check, reason: refused.reasons[0]?.code ?? "" });
  }
  try {
    const { event, salt } = describe(stage, verdict, ports);
    await ports.journal.append({ kind: "event", event, args_salt: salt });
    return { ...refused, eventId: stage.eventId };
  } catch (caught) {
    return unrecorded(stage, caught, ports);
  }
}

function describe(
  stage: Identified,
  verdict: Verdict,
  ports: RecordPorts,
): { event: AuditEvent; salt: string } {
  const call = stage.kind === "call" ? stage : undefined;
  const salt = call === undefined ? "" : ports.newSalt();
  const message = {
    ...stage,
    tool: call?.tool ?? "",
    args: call?.args ?? {},
    argsDigest: call === undefined ? "" : argumentsDigest(salt, call.args),
    latencyMs: ports.clock.monotonicMs() - stage.startedMs,
  };
  return { event: auditEvent(ports.journal.speaker, message, verdict, ports.argValues), salt };
}

function unrecorded(stage: Identified, caught: unknown, { log }: RecordPorts): Refused {
  log.error("call not recorded, so not made", toFault(caught), { request_id: stage.requestId });
  return refuse(stage, {
    code: ERROR_CODE.audit_unavailable,
    check: "audit",
    reasons: [reason("audit.unavailable")],
  });
}
