// Step 4 for a tool call: the one judge. What it is asked is exactly what will be forwarded; what it refuses goes no further.
import type { Judge } from "@postern/decision";
import type { Metrics } from "@postern/telemetry";
import { type Authenticated, type Decided, type IdentifiedCall, type Refused, refuse } from "../stages.ts";

export interface DecidePorts {
  readonly judge: Pick<Judge, "decide">;
  readonly metrics: Pick<Metrics, "observeMs">;
}

export async function decide(
  stage: Authenticated<IdentifiedCall>,
  ports: DecidePorts,
): Promise<Decided | Refused> {
  const { args, intentPrompt, remoteAddress, requestId, sessionId, token, tool, upstream } = stage;
  const call = { token, tool, args, upstream, intentPrompt, sessionId, remoteAddress, requestId };
  const decision = await ports.judge.decide(call);
  for (const [check, ms] of Object.entries(decision.timingsMs))
    ports.metrics.observeMs("checkDuration", { check }, ms);
  if (decision.outcome === "allow") return { ...stage, decision };
  const { check, code, reasons } = decision;
  const verdict = decision.outcome === "escalate" ? "escalate" : "block";
  const findings = { capability: stage.capability, ...decision };
  return refuse(stage, { code, check, reasons, findings, decision: verdict });
}
