// Step 8: how the call ended, written exactly once whatever happens on the way: the outcome record, then the budget. It is written before
// the caller holds the whole answer, so that whoever has an answer finds its event.
import type { Ledger } from "@postern/budget";
import type { CallOutcome } from "@postern/contracts";
import { type Clock, toFault } from "@postern/fault";
import type { Logger, Metrics } from "@postern/telemetry";
import { obligationsDone, wholeMs } from "../audit-event.ts";
import type { Journal } from "../journal.ts";
import type { Received, Recorded, Refused } from "../stages.ts";
import { mayHaveRun } from "../upstream/upstream.ts";

export interface Fate {
  /** "executed": the upstream answered, be it with an error of its own. */
  readonly outcome: "executed" | "failed";
  readonly upstreamStatus: number;
  readonly reason: string;
  /** False only if provably not one byte of the call reached the upstream. */
  readonly mayHaveRun: boolean;
}

export interface Settlement {
  /** The first fate counts; later ones do nothing. Never throws. */
  settle(fate: Fate): Promise<void>;
}

export interface SettlePorts {
  readonly journal: Pick<Journal, "appendOutcome">;
  readonly budget: Pick<Ledger, "settle" | "release">;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, "observeMs">;
  readonly log: Logger;
}

/** Room for an outcome is kept free in a full spool, so it must stay small. */
const REASON_CHARACTERS_MAX = 1024;

export function openSettlement(stage: Recorded, ports: SettlePorts): Settlement {
  const recordedMs = ports.clock.monotonicMs();
  const recordedApplied = stage.applied.length;
  let settled: Promise<void> | undefined;

  async function write(fate: Fate): Promise<void> {
    const nowMs = ports.clock.monotonicMs();
    const cost = stage.decision.policy.cost_micros;
    const outcome: CallOutcome = {
      outcome: fate.outcome,
      reason: fate.reason.slice(0, REASON_CHARACTERS_MAX).toWellFormed(),
      latency_ms: wholeMs(nowMs - stage.startedMs),
      upstream_status: fate.upstreamStatus,
      cost_micros: fate.mayHaveRun ? (cost ?? 0) : 0,
      ...obligationsDone(stage.applied.slice(recordedApplied)),
    };
    ports.metrics.observeMs("upstreamDuration", { outcome: fate.outcome }, nowMs - recordedMs);
    await ports.journal.appendOutcome({ kind: "outcome", event_id: stage.eventId, ...outcome });
    await closeBudget(stage, fate, ports);
  }

  return {
    settle(fate) {
      settled ??= write(fate);
      return settled;
    },
  };
}

/** What may have run is paid for; what provably never ran is given back. */
async function closeBudget(stage: Recorded, fate: Fate, { budget, log }: SettlePorts): Promise<void> {
  const { reservation } = stage.decision;
  try {
    await (fate.mayHaveRun ? budget.settle(reservation) : budget.release(reservation));
  } catch (caught) {
    // An open reservation counts as spent, so the budget errs on the side of its promise (P4).
    log.error("budget not settled", caught, { request_id: stage.requestId });
  }
}

export const executed = (upstreamStatus: number): Fate => ({
  outcome: "executed",
  upstreamStatus,
  reason: "",
  mayHaveRun: true,
});

/** Refused at the last moment, after it was recorded. */
export const neverSent = ({ reasons }: Refused): Fate => ({
  outcome: "failed",
  upstreamStatus: 0,
  reason: `${reasons[0]?.detail ?? "Refused."} The call was not sent.`,
  mayHaveRun: false,
});

/** The answer did not come, or not to its end. */
export function brokenOff({ gone }: Pick<Received, "gone">, upstreamStatus: number, caught?: unknown): Fate {
  const sent = caught === undefined || mayHaveRun(caught);
  const end = sent ? "the call may have run." : "the call was not sent.";
  const cut =
    caught === undefined ? `The answer ended before it was complete; ${end}` : toFault(caught).message;
  const reason = gone.aborted ? `The caller left before the answer; ${end}` : cut;
  return { outcome: "failed", upstreamStatus, reason, mayHaveRun: sent };
}
