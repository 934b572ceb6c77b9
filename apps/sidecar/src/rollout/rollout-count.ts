// What this boot has counted of one rollout. Counts only rise, and what is told of them is everything, so no report depends on another.
import {
  ROLLOUT_SAMPLES_MAX,
  RolloutDifference,
  type RolloutReport,
  type RolloutSample,
} from "@postern/contracts";
import type { PolicySeat, PolicyVerdict } from "@postern/policy";

/** What a policy says of a call, as far as it is compared. Whatever is no decision is a denial. */
export type VerdictKind = "allow" | "block" | "escalate";

export interface RolloutCount {
  readonly rolloutId: string;
  judged(seat: PolicySeat, kind: VerdictKind): void;
  compared(active: VerdictKind, candidate: VerdictKind, call: Omit<RolloutSample, "difference">): void;
  skipped(): void;
  /** The candidate turned out to be unusable. */
  failed(problem: string): void;
  report(now: Pick<RolloutReport, "takes_part" | "loaded">): RolloutReport;
}

export function kindOf(verdict: PolicyVerdict): VerdictKind {
  if (!verdict.ok) return "block";
  if (verdict.decision.escalate === true) return "escalate";
  return verdict.decision.allow ? "allow" : "block";
}

/** Few of each kind, so that a frequent difference does not hide a rare one. */
const SAMPLES_PER_KIND = 3;
const PROBLEM_CHARS_MAX = 500;
const COUNTER = { allow: "allowed", block: "blocked", escalate: "escalated" } as const;

export function createRolloutCount(rolloutId: string, epoch: number): RolloutCount {
  const verdicts = {
    active: { allowed: 0, blocked: 0, escalated: 0 },
    candidate: { allowed: 0, blocked: 0, escalated: 0 },
  };
  const differences = {
    ...{ allow_to_block: 0, allow_to_escalate: 0, block_to_allow: 0 },
    ...{ block_to_escalate: 0, escalate_to_allow: 0, escalate_to_block: 0 },
  };
  const samples: RolloutSample[] = [];
  let compared = 0;
  let skipped = 0;
  let loadFailures = 0;
  let problem = "";

  return {
    rolloutId,
    judged(seat, kind) {
      verdicts[seat][COUNTER[kind]] += 1;
    },
    compared(active, candidate, { tool, agent, request_id }) {
      compared += 1;
      if (active === candidate) return;
      const difference = RolloutDifference.parse(`${active}_to_${candidate}`);
      differences[difference] += 1;
      if (differences[difference] > SAMPLES_PER_KIND || samples.length >= ROLLOUT_SAMPLES_MAX) return;
      samples.push({ difference, tool: fit(tool, 256), agent: fit(agent, 200), request_id });
    },
    skipped() {
      skipped += 1;
    },
    failed(why) {
      loadFailures += 1;
      problem = fit(why, PROBLEM_CHARS_MAX);
    },
    report: ({ takes_part, loaded }) => ({
      ...{ epoch, takes_part, loaded, compared, skipped, load_failures: loadFailures },
      active: { ...verdicts.active },
      candidate: { ...verdicts.candidate },
      differences: { ...differences },
      ...(problem === "" || loaded ? {} : { problem }),
      samples: [...samples],
    }),
  };
}

/** Names come from callers: the report takes them short and well-formed. */
const fit = (text: string, charsMax: number) =>
  text.slice(0, charsMax).toWellFormed().replaceAll("\u0000", "\uFFFD");
