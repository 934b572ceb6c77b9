// Counts what a dry run finds, and keeps the decisions that are worth showing: the memory it takes does not grow with the number of calls.
import {
  type Affected,
  CHANGES,
  type Change,
  type Decision,
  type JudgedCall,
  type Summary,
} from "./model.ts";

/** Characters of inputs that one answer holds. */
const SHOWN_CHARS_MAX = 8 * 1024 * 1024;
const AFFECTED_MAX = 10;

export interface Tally {
  add(call: JudgedCall): void;
  summary(): Summary;
  /** Changed ones first, then uncertain ones. */
  shown(): readonly JudgedCall[];
}

export function createTally(shownMax: number): Tally {
  const changes = zero(CHANGES);
  const changesFromActive = zero(CHANGES);
  const candidate = zero(["allow", "block", "escalate"] as const);
  const counts = { evaluated: 0, unchanged: 0, changed: 0, uncertain: 0, failed: 0 };
  const tools = new Map<string, { changed: number; evaluated: number }>();
  const agents = new Map<string, { changed: number; evaluated: number }>();
  const shelves = [createShelf(shownMax), createShelf(shownMax), createShelf(shownMax)] as const;

  return {
    add(call) {
      const { changed, uncertain } = call;
      counts.evaluated += 1;
      if (call.candidate.failed) counts.failed += 1;
      const isChange = changed && !uncertain;
      touch(tools, call.question.input.tool, isChange);
      touch(agents, call.question.input.agent_id, isChange);
      counts[uncertain ? "uncertain" : changed ? "changed" : "unchanged"] += 1;
      shelves[isChange ? 0 : uncertain ? 1 : 2].put(call);
      if (uncertain) return;
      candidate[call.candidate.decision] += 1;
      count(changes, call.actual.decision, call.candidate.decision);
      count(changesFromActive, call.active.decision, call.candidate.decision);
    },

    summary: () => ({
      ...counts,
      changes: { ...changes },
      changesFromActive: { ...changesFromActive },
      candidate: { ...candidate },
      tools: mostAffected(tools),
      agents: mostAffected(agents),
    }),

    shown() {
      const shelf = createShelf(shownMax);
      for (const call of shelves.flatMap((each) => each.calls)) shelf.put(call);
      return shelf.calls;
    },
  };
}

const zero = <Name extends string>(names: readonly Name[]) =>
  Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;

function count(changes: Record<Change, number>, from: Decision, to: Decision): void {
  const change = CHANGES.find((each) => each === `${from}_to_${to}`);
  if (change !== undefined) changes[change] += 1;
}

function touch(
  map: Map<string, { changed: number; evaluated: number }>,
  name: string,
  changed: boolean,
): void {
  const known = map.get(name) ?? { changed: 0, evaluated: 0 };
  known.evaluated += 1;
  if (changed) known.changed += 1;
  map.set(name, known);
}

function mostAffected(map: ReadonlyMap<string, { changed: number; evaluated: number }>): readonly Affected[] {
  return [...map]
    .filter(([, { changed }]) => changed > 0)
    .sort(([, a], [, b]) => b.changed - a.changed || b.evaluated - a.evaluated)
    .slice(0, AFFECTED_MAX)
    .map(([name, counts]) => ({ name, ...counts }));
}

/** The first ones that fit, by number and by size. */
function createShelf(callsMax: number) {
  const calls: JudgedCall[] = [];
  let chars = 0;
  return {
    calls,
    put(call: JudgedCall): void {
      if (calls.length >= callsMax) return;
      chars += JSON.stringify(call.question.input).length;
      if (chars <= SHOWN_CHARS_MAX) calls.push(call);
    },
  };
}
