// What all sidecars counted of a rollout, added up, and whether it is bad enough to take the candidate back. A pure judgement over sums: it
// does not matter who reported when, or how often.
import type { RolloutDifference, RolloutSample, RolloutVerdicts } from "@postern/contracts";
import type { Rollout } from "./model.ts";

export interface Figures {
  /** Sidecars that have reported, and of them those that take part, and have the candidate ready. */
  readonly sidecars: number;
  readonly takingPart: number;
  readonly loaded: number;
  readonly active: RolloutVerdicts;
  readonly candidate: RolloutVerdicts;
  readonly compared: number;
  readonly skipped: number;
  readonly differences: Readonly<Record<RolloutDifference, number>>;
  readonly loadFailures: number;
  /** One of those that sidecars told; "" = none. */
  readonly problem: string;
}

export type Sample = RolloutSample & { readonly sidecarId: string };

export const NO_FIGURES: Figures = {
  ...{ sidecars: 0, takingPart: 0, loaded: 0, compared: 0, skipped: 0, loadFailures: 0, problem: "" },
  active: { allowed: 0, blocked: 0, escalated: 0 },
  candidate: { allowed: 0, blocked: 0, escalated: 0 },
  differences: {
    ...{ allow_to_block: 0, allow_to_escalate: 0, block_to_allow: 0 },
    ...{ block_to_escalate: 0, escalate_to_allow: 0, escalate_to_block: 0 },
  },
};

/**
 * Why a rollout must be stopped; undefined when it may go on. A candidate that cannot be used ends every rollout; one that lets fewer calls
 * pass ends a staged one only, because a shadow does no harm.
 */
export function alarmIn(
  figures: Figures,
  { mode, stopWhen }: Pick<Rollout, "mode" | "stopWhen">,
): string | undefined {
  if (figures.loadFailures > 0)
    return `The candidate could not be put in force: ${figures.problem || "no reason was told"}`;
  if (mode === "shadow") return undefined;
  const rise = riseIn(figures, stopWhen.callsMin);
  if (rise === undefined || rise.points < stopWhen.denialsUpPercentPoints) return undefined;
  const points = Math.round(rise.points * 10) / 10;
  return `Of ${rise.calls} calls the candidate allows ${points} percentage points fewer than the active policy (limit ${stopWhen.denialsUpPercentPoints}).`;
}

/**
 * By how many percentage points more calls are blocked or sent to approval. Calls of which both policies were asked say it best, since
 * nothing else differs between them; too few of those, and the calls of the two groups of sidecars are put side by side.
 */
function riseIn(figures: Figures, callsMin: number): { points: number; calls: number } | undefined {
  const { compared, differences, active, candidate } = figures;
  if (compared >= callsMin) {
    const fewer = differences.allow_to_block + differences.allow_to_escalate;
    const more = differences.block_to_allow + differences.escalate_to_allow;
    return { points: (100 * (fewer - more)) / compared, calls: compared };
  }
  const calls = callsOf(candidate);
  if (calls < callsMin || callsOf(active) < callsMin) return undefined;
  return { points: 100 * (refusedShare(candidate) - refusedShare(active)), calls };
}

const callsOf = ({ allowed, blocked, escalated }: RolloutVerdicts) => allowed + blocked + escalated;
const refusedShare = (verdicts: RolloutVerdicts) =>
  (verdicts.blocked + verdicts.escalated) / Math.max(1, callsOf(verdicts));
