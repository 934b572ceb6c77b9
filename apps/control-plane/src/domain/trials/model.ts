// The words of dry runs: which calls are judged again, what each was and would be judged, and what that adds up to. A dry run changes nothing.
import type { PolicyInput } from "@postern/contracts";

/** What a policy makes of a call. */
export type Decision = "allow" | "block" | "escalate";

/** Which calls of the past are judged again; the newest are taken when there are more than `limit`. */
export interface Selection {
  readonly limit: number;
  readonly since: Date | undefined;
  readonly until: Date | undefined;
  readonly tool: string | undefined;
  readonly agentId: string | undefined;
  /** One call, whatever else is named. */
  readonly eventId: string | undefined;
}

/** A call as a policy sees it. */
export interface Question {
  readonly input: PolicyInput;
  /** Paths of `input` that nobody knows any more; a path stands for all below it. */
  readonly unknown: readonly string[];
}

/** A call of the past, and what happened to it at the policy. */
export interface PastCall extends Question {
  readonly eventId: string;
  readonly ts: string;
  readonly decision: Decision;
  readonly reason: string;
}

/** What one policy says. */
export interface Verdict {
  readonly decision: Decision;
  /** "" when the policy gives none. */
  readonly reason: string;
  /** "" when the policy gives none. */
  readonly rule: string;
  readonly requiresStepUp: boolean;
  /** It could not decide, so the call is denied. */
  readonly failed: boolean;
}

/** A policy that can be asked. */
export interface Policy {
  /** `input` paths that it can read; ["*"] = all. Empty when nothing is in force. */
  readonly inputPaths: readonly string[];
  ask(input: PolicyInput): Promise<Verdict>;
  close(): Promise<void>;
}

export interface JudgedCall {
  readonly question: Question;
  /** Absent for an input that somebody wrote. */
  readonly event: { readonly id: string; readonly ts: string } | undefined;
  /** What happened; of a written input, what the active policy says. */
  readonly actual: Pick<Verdict, "decision" | "reason">;
  readonly active: Verdict;
  readonly candidate: Verdict;
  /** What either policy reads and nobody knows any more. */
  readonly missing: readonly string[];
  /** The candidate reads something of that, so that its verdict may have been another one. */
  readonly uncertain: boolean;
  readonly changed: boolean;
}

export const CHANGES = [
  "allow_to_block",
  "allow_to_escalate",
  "block_to_allow",
  "block_to_escalate",
  "escalate_to_allow",
  "escalate_to_block",
] as const;
export type Change = (typeof CHANGES)[number];
export type Changes = Readonly<Record<Change, number>>;

export interface Affected {
  readonly name: string;
  readonly changed: number;
  readonly evaluated: number;
}

/** evaluated = unchanged + changed + uncertain; only what is certain counts as changed or unchanged. */
export interface Summary {
  readonly evaluated: number;
  readonly unchanged: number;
  readonly changed: number;
  readonly uncertain: number;
  /** How often the candidate could not decide. */
  readonly failed: number;
  /** By what happened. */
  readonly changes: Changes;
  /** By what the active policy says now. */
  readonly changesFromActive: Changes;
  /** Of the certain ones, by what the candidate says. */
  readonly candidate: Readonly<Record<Decision, number>>;
  /** Those with the most changes. */
  readonly tools: readonly Affected[];
  readonly agents: readonly Affected[];
}

export type Severity = "info" | "warning" | "critical";

export const FINDINGS = [
  "mass_block",
  "mass_allow",
  "escalation_surge",
  "policy_error",
  "allows_everything",
  "denies_everything",
  "default_deny_removed",
  "no_change",
  "not_tested",
] as const;

/** Something to look at before promoting. */
export interface SafetyFinding {
  readonly finding: (typeof FINDINGS)[number];
  readonly severity: Severity;
  readonly message: string;
}

/** Why a dry run ended before everything was judged: its time was up, the history was searched as far as it may be, or its caller left. */
export type Interruption = "time" | "history" | "caller";

export interface Trial {
  readonly regoSha256: string;
  readonly summary: Summary;
  readonly safety: readonly SafetyFinding[];
  /** Changed ones first, then uncertain ones, newest first. */
  readonly decisions: readonly JudgedCall[];
  readonly interruption: Interruption | undefined;
}
