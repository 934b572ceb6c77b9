// Counts what happened: tool calls by decision, check, reason and tool, and over time; administrative acts by name. Pure, and in one pass.
import type { AuditEvent } from "@postern/contracts";

export type Decision = AuditEvent["decision"];
export const DECISIONS = ["allow", "block", "escalate"] as const satisfies readonly Decision[];

export interface Tally {
  readonly name: string;
  readonly count: number;
}

export interface Bucket {
  readonly startMs: number;
  readonly counts: Readonly<Record<Decision, number>>;
}

export interface Summary {
  readonly calls: number;
  /** In the order of DECISIONS, zeros too. */
  readonly decisions: readonly Tally[];
  /** Refused and escalated calls, most frequent first. */
  readonly checks: readonly Tally[];
  readonly reasons: readonly Tally[];
  readonly tools: readonly Tally[];
  readonly agents: readonly Tally[];
  readonly acts: readonly Tally[];
  readonly buckets: readonly Bucket[];
}

export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
  readonly bucketMs: number;
}

export function summarise(events: readonly AuditEvent[], window: Window): Summary {
  const calls = events.filter(isToolCall);
  const stopped = calls.filter(({ decision }) => decision !== "allow");
  const decided = new Map(
    tallied(calls.map(({ decision }) => decision)).map(({ name, count }) => [name, count]),
  );
  return {
    calls: calls.length,
    decisions: DECISIONS.map((name) => ({ name, count: decided.get(name) ?? 0 })),
    checks: tallied(stopped.map(({ check }) => check)),
    reasons: tallied(stopped.flatMap(({ reasons }) => reasons)),
    tools: tallied(stopped.map(({ tool }) => tool)),
    agents: tallied(stopped.map(({ agent_id }) => agent_id)),
    acts: tallied(events.filter((event) => !isToolCall(event)).map(({ tool }) => tool)),
    buckets: bucketsOf(calls, window),
  };
}

export function isToolCall({ event }: AuditEvent): boolean {
  return event === "intentgate.tool_call";
}

function tallied(names: readonly string[]): Tally[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts]
    .map(([name, count]) => ({ name, count }))
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
}

function bucketsOf(calls: readonly AuditEvent[], { fromMs, toMs, bucketMs }: Window): Bucket[] {
  const buckets = Array.from({ length: Math.ceil((toMs - fromMs) / bucketMs) }, (_, n) => ({
    startMs: fromMs + n * bucketMs,
    counts: { allow: 0, block: 0, escalate: 0 },
  }));
  for (const { ts, decision } of calls) {
    const bucket = buckets[Math.floor((Date.parse(ts) - fromMs) / bucketMs)];
    if (bucket !== undefined) bucket.counts[decision] += 1;
  }
  return buckets;
}
