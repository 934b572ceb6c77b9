// Step 4 for what asks for something: the one judge. What it is asked is exactly what will be forwarded; what it refuses goes no further. What is
// allowed, or would be if a person approved it, is asked of the pins last, so that a caller who may not call a tool learns nothing of its definition.
import type { Ledger } from "@postern/budget";
import { type ApprovalTicket, ERROR_CODE } from "@postern/contracts";
import type { Decision, Findings, Judge } from "@postern/decision";
import type { Metrics } from "@postern/telemetry";
import type { Pins } from "../pins/pins.ts";
import {
  type Authenticated,
  type Decided,
  type Escalation,
  grow,
  type IdentifiedCall,
  isRefused,
  type Placed,
  type Refused,
  refuse,
} from "../stages.ts";

type Call = Placed<Authenticated<IdentifiedCall>>;

export interface DecidePorts {
  readonly judge: Pick<Judge, "decide">;
  readonly pins: Pick<Pins, "refusalOf">;
  readonly budget: Pick<Ledger, "release">;
  readonly metrics: Pick<Metrics, "observeMs">;
}

/** A call that a person has to approve is an escalation: nothing is reserved for it, and it is put before nobody if its tool may not be used. */
export async function decide(stage: Call, ports: DecidePorts): Promise<Decided | Escalation | Refused> {
  const decision = await ports.judge.decide(stage, stage.capability);
  if (decision.outcome !== "escalate") return conclude(stage, decision, ports);
  observe(decision, ports);
  const unpinned = pinRefusal(stage, decision, ports);
  return unpinned ?? { stage, escalated: decision };
}

/**
 * A call that a person has approved, judged whole once more for its token as it is now: nothing that was found before is believed. Whether the
 * policy is still the one that was approved is for the caller to see.
 */
export async function decideAgain(
  stage: Call,
  grant: ApprovalTicket,
  ports: DecidePorts,
): Promise<Decided | Refused> {
  const { pending_id: id, decided_by, decided_at = "" } = grant;
  const approval = { id, decided_by, decided_at };
  const decided = await conclude(stage, await ports.judge.decide({ ...stage, approval }), ports);
  return isRefused(decided) ? { ...decided, approval: grant } : decided;
}

async function conclude(stage: Call, decision: Decision, ports: DecidePorts): Promise<Decided | Refused> {
  observe(decision, ports);
  if (decision.outcome === "allow") {
    const unpinned = pinRefusal(stage, decision, ports);
    if (unpinned === undefined) return grow(stage, { decision });
    await ports.budget.release(decision.reservation);
    return unpinned;
  }
  const { check, code, reasons } = decision;
  const verdict = decision.outcome === "escalate" ? "escalate" : "block";
  const findings = { capability: stage.capability, ...decision };
  return refuse(stage, { code, check, reasons, findings, decision: verdict });
}

function observe({ timingsMs }: Findings, { metrics }: DecidePorts): void {
  for (const [check, ms] of Object.entries(timingsMs)) metrics.observeMs("checkDuration", { check }, ms);
}

function pinRefusal(stage: Call, findings: Findings, { pins }: DecidePorts): Refused | undefined {
  const unpinned = stage.method === "tools/call" ? pins.refusalOf(stage.upstream, stage.tool) : undefined;
  if (unpinned === undefined) return undefined;
  return refuse(stage, { code: ERROR_CODE.pin, check: "pin", reasons: [unpinned], findings });
}
