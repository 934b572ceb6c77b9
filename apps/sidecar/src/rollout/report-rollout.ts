// Tells the control plane what was counted of a rollout, every few seconds while there is something new. Each report says everything, so one
// that is lost is made up for by the next.
import { toFault } from "@postern/fault";
import type { Logger } from "@postern/telemetry";
import type { ControlPlane } from "../control-plane.ts";
import type { Sleep } from "../timing.ts";
import type { PolicyArms } from "./policy-arms.ts";

export interface RolloutReporterPorts {
  readonly arms: Pick<PolicyArms, "report">;
  readonly controlPlane: Pick<ControlPlane, "reportRollout">;
  readonly sleep: Sleep;
  readonly log: Pick<Logger, "debug">;
}

const TURN_MS = 2_000;
/** A sidecar that does not take part has less to say. */
const OTHERS_EVERY_TURNS = 5;

/** Resolves once `signal` fires. */
export async function reportRollouts(ports: RolloutReporterPorts, signal: AbortSignal): Promise<void> {
  let told = "";
  for (let turn = 0; !signal.aborted; turn += 1) {
    await ports.sleep(TURN_MS, signal);
    if (signal.aborted) return;
    const current = ports.arms.report();
    if (current === undefined) continue;
    const text = JSON.stringify(current);
    if (text === told || (!current.report.takes_part && turn % OTHERS_EVERY_TURNS !== 0)) continue;
    try {
      await ports.controlPlane.reportRollout(current.rolloutId, current.report);
      told = text;
    } catch (caught) {
      ports.log.debug("rollout not reported", { code: toFault(caught).code });
    }
  }
}
