// Step 4 for what asks for something: the one judge. What it is asked is exactly what will be forwarded; what it refuses goes no further. What is
// allowed is asked of the pins last, so that a caller who may not call a tool learns nothing of its definition.
import type { Ledger } from "@postern/budget";
import { ERROR_CODE } from "@postern/contracts";
import type { Judge } from "@postern/decision";
import type { Metrics } from "@postern/telemetry";
import type { Pins } from "../pins/pins.ts";
import {
  type Authenticated,
  type Decided,
  grow,
  type IdentifiedCall,
  type Placed,
  type Refused,
  refuse,
} from "../stages.ts";

export interface DecidePorts {
  readonly judge: Pick<Judge, "decide">;
  readonly pins: Pick<Pins, "refusalOf">;
  readonly budget: Pick<Ledger, "release">;
  readonly metrics: Pick<Metrics, "observeMs">;
}

export async function decide(
  stage: Placed<Authenticated<IdentifiedCall>>,
  ports: DecidePorts,
): Promise<Decided | Refused> {
  const decision = await ports.judge.decide(stage, stage.capability);
  for (const [check, ms] of Object.entries(decision.timingsMs))
    ports.metrics.observeMs("checkDuration", { check }, ms);
  if (decision.outcome === "allow") {
    const unpinned =
      stage.method === "tools/call" ? ports.pins.refusalOf(stage.upstream, stage.tool) : undefined;
    if (unpinned === undefined) return grow(stage, { decision });
    await ports.budget.release(decision.reservation);
    return refuse(stage, { code: ERROR_CODE.pin, check: "pin", reasons: [unpinned], findings: decision });
  }
  const { check, code, reasons } = decision;
  const verdict = decision.outcome === "escalate" ? "escalate" : "block";
  const findings = { capability: stage.capability, ...decision };
  return refuse(stage, { code, check, reasons, findings, decision: verdict });
}
