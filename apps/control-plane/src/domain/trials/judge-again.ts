// One call, asked of the candidate and of what is in force, and what can be said of the difference.
import type { JudgedCall, PastCall, Policy, Question, Verdict } from "./model.ts";

export interface Bench {
  readonly candidate: Policy;
  readonly active: Policy;
}

/** A call of the past: what happened to it counts. */
export async function judgePast(bench: Bench, call: PastCall): Promise<JudgedCall> {
  const actual = { decision: call.decision, reason: call.reason };
  return await judge(bench, call, { event: { id: call.eventId, ts: call.ts }, actual });
}

/** A call that somebody made up: what the active policy says counts. */
export async function judgeWritten(bench: Bench, question: Question): Promise<JudgedCall> {
  return await judge(bench, question, { event: undefined, actual: undefined });
}

async function judge(
  { candidate, active }: Bench,
  { input, unknown }: Question,
  told: { event: JudgedCall["event"]; actual: JudgedCall["actual"] | undefined },
): Promise<JudgedCall> {
  const byCandidate = await candidate.ask(input);
  const byActive = await active.ask(input);
  const open = missingFor(candidate, unknown, byCandidate);
  const actual = told.actual ?? byActive;
  return {
    question: { input, unknown },
    event: told.event,
    actual: { decision: actual.decision, reason: actual.reason },
    active: byActive,
    candidate: byCandidate,
    missing: [...new Set([...open, ...missingFor(active, unknown, byActive)])].sort().slice(0, MISSING_MAX),
    uncertain: open.length > 0,
    changed: actual.decision !== byCandidate.decision,
  };
}

const MISSING_MAX = 64;
const STEP_UP = "capability.step_up_at";

/** What a policy reads and nobody knows; of a path and one below it the longer one is named. */
function missingFor({ inputPaths }: Policy, unknown: readonly string[], verdict: Verdict): readonly string[] {
  // Whether a second factor is fresh enough is asked after the policy.
  const read = verdict.requiresStepUp ? [...inputPaths, STEP_UP] : inputPaths;
  return unknown.flatMap((path) =>
    read.flatMap((reads) => {
      if (reads === "*" || isWithin(path, reads)) return [path];
      return isWithin(reads, path) ? [reads] : [];
    }),
  );
}

const isWithin = (path: string, outer: string) => path === outer || path.startsWith(`${outer}.`);
