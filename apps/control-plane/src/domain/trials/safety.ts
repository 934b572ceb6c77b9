// What should make somebody stop before promoting. Shares are of the calls about which the verdict is certain; probes are calls that nobody ever
// made, which any policy that denies by default must not let pass.
import type { PolicyInput } from "@postern/contracts";
import type { SafetyFinding, Severity, Summary, Verdict } from "./model.ts";
import { completeInput } from "./question.ts";

/** Share from which on a finding has this severity. */
const LIMITS = {
  mass_block: { warning: 0.1, critical: 0.4 },
  mass_allow: { warning: 0.05, critical: 0.25 },
  escalation_surge: { warning: 0.2, critical: Number.POSITIVE_INFINITY },
  policy_error: { warning: 0, critical: 0.1 },
} as const;

/** A tool that there is not, for an agent that there is not; and a method that there is not. */
export function probesFor(tenant: string, nowMs: number): readonly PolicyInput[] {
  const stranger = { agent_id: "postern-probe-agent", upstream: "postern-probe-upstream" };
  return [
    completeInput({ ...stranger, tool: "postern_probe_unknown_tool" }, tenant, nowMs),
    completeInput({ ...stranger, tool: "postern/probe", method: "postern/probe" }, tenant, nowMs),
  ];
}

export interface Probed {
  readonly active: Verdict;
  readonly candidate: Verdict;
}

export interface Tested {
  readonly summary: Summary;
  readonly probed: readonly Probed[];
  /** Whether calls of the past were judged: of a single written input no shares can be told. */
  readonly isSample: boolean;
}

/** The most severe first. */
export function safetyOf(tested: Tested): readonly SafetyFinding[] {
  const found = [
    ...errors(tested),
    ...probes(tested),
    ...(tested.isSample ? shares(tested) : []),
    ...coverage(tested),
  ];
  return found.sort((a, b) => RANK[a.severity] - RANK[b.severity]);
}

const RANK: Readonly<Record<Severity, number>> = { critical: 0, warning: 1, info: 2 };

function errors({ summary, probed }: Tested): SafetyFinding[] {
  const failures = summary.failed + probed.filter(({ candidate }) => candidate.failed).length;
  const asked = summary.evaluated + probed.length;
  if (failures === 0) return [];
  return share("policy_error", failures, asked, "the candidate could not decide, which denies the call");
}

function probes({ summary, probed }: Tested): SafetyFinding[] {
  const passed = probed.filter(({ candidate }) => candidate.decision === "allow");
  if (passed.length === 0) return [];
  const certain = summary.changed + summary.unchanged;
  const { allow } = summary.candidate;
  const everything = passed.length === probed.length && allow === certain;
  const wasSo = passed.every(({ active }) => active.decision === "allow");
  return [
    ...(everything ? [finding("allows_everything", "critical", EVERYTHING)] : []),
    wasSo
      ? finding("default_deny_removed", "warning", `${UNKNOWN} The active policy does so too.`)
      : finding("default_deny_removed", "critical", UNKNOWN),
  ];
}

const EVERYTHING = "The candidate allows every call that was judged, and calls that nobody ever made.";
const UNKNOWN =
  "The candidate allows an unknown tool or method for an unknown agent: nothing is denied by default.";

function shares({ summary }: Tested): SafetyFinding[] {
  const { changes, candidate } = summary;
  const certain = summary.changed + summary.unchanged;
  if (certain === 0) return [];
  const blocked = changes.allow_to_block + changes.escalate_to_block;
  const allowed = changes.block_to_allow + changes.escalate_to_allow;
  const escalated = changes.allow_to_escalate + changes.block_to_escalate;
  return [
    ...share("mass_block", blocked, certain, "would be denied and were not"),
    ...share("mass_allow", allowed, certain, "would be allowed and were not"),
    ...share("escalation_surge", escalated, certain, "would wait for a person and did not"),
    ...(candidate.block === certain
      ? [finding("denies_everything", "critical", "The candidate denies every call that was judged.")]
      : []),
  ];
}

function coverage({ summary, isSample }: Tested): SafetyFinding[] {
  const { evaluated, uncertain, changes, changesFromActive } = summary;
  if (evaluated === 0) {
    return [
      finding(
        "not_tested",
        "warning",
        "No call of the past was judged: the sample holds none that reached the policy.",
      ),
    ];
  }
  if (uncertain === evaluated) {
    const message = isSample
      ? "Nothing is certain: the candidate reads what events do not hold. POSTERN_AUDIT_ARG_VALUES=full keeps arguments."
      : "Nothing is certain: the candidate reads what the input does not say.";
    return [finding("not_tested", "warning", message)];
  }
  const isSame = [...Object.values(changes), ...Object.values(changesFromActive)].every(
    (count) => count === 0,
  );
  return isSame ? [finding("no_change", "info", "Every verdict that is certain stays as it is.")] : [];
}

function share(name: keyof typeof LIMITS, part: number, whole: number, what: string): SafetyFinding[] {
  const ratio = part / whole;
  const { warning, critical } = LIMITS[name];
  if (part === 0 || ratio < warning) return [];
  const percent = Math.round(ratio * 1000) / 10;
  return [
    finding(
      name,
      ratio >= critical ? "critical" : "warning",
      `${part} of ${whole} calls (${percent} %): ${what}.`,
    ),
  ];
}

const finding = (name: SafetyFinding["finding"], severity: Severity, message: string): SafetyFinding => ({
  finding: name,
  severity,
  message,
});
