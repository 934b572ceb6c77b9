// What a suite found, and where two runs of it differ. Compared are the statuses of every check, not exit codes: a lost header turns
// some checks into warnings or makes them vanish, which no exit code tells.

/** One row of a `checks.json`. */
export interface Check {
  readonly id: string;
  readonly status: "SUCCESS" | "FAILURE" | "WARNING" | "SKIPPED" | "INFO";
  readonly errorMessage?: string;
}

/** Results by `<scenario>:<check id>`, as many as the check was made; without those that only inform. */
export type Findings = ReadonlyMap<string, readonly Check[]>;

export interface Difference {
  readonly check: string;
  readonly direct: string;
  readonly through: string;
  /** What the suite says about it on the way through. */
  readonly says: string;
}

export function findingsOf(
  scenarios: Iterable<readonly [scenario: string, checks: readonly Check[]]>,
): Findings {
  const found = new Map<string, Check[]>();
  for (const [scenario, checks] of scenarios) {
    for (const check of checks) {
      if (check.status === "INFO") continue;
      const key = `${scenario}:${check.id}`;
      found.set(key, [...(found.get(key) ?? []), check]);
    }
  }
  return found;
}

export function differences(direct: Findings, through: Findings): Difference[] {
  const keys = new Set([...direct.keys(), ...through.keys()]);
  return [...keys].sort().flatMap((check) => {
    const [before, after] = [statuses(direct.get(check)), statuses(through.get(check))];
    if (before === after) return [];
    const says = (through.get(check) ?? []).map(({ errorMessage }) => errorMessage ?? "").filter(Boolean);
    return [{ check, direct: before, through: after, says: says.join("; ") }];
  });
}

export interface Tally {
  readonly checks: number;
  readonly passed: number;
  readonly failed: number;
  /** `<scenario>:<check id>` of those that failed. */
  readonly failing: readonly string[];
}

export function tallyOf(findings: Findings): Tally {
  const all = [...findings.values()].flat();
  const count = (status: Check["status"]) => all.filter((check) => check.status === status).length;
  const failing = [...findings].filter(([, checks]) => checks.some(({ status }) => status === "FAILURE"));
  return {
    checks: all.length,
    passed: count("SUCCESS"),
    failed: count("FAILURE"),
    failing: failing.map(([key]) => key).sort(),
  };
}

const statuses = (checks: readonly Check[] | undefined) =>
  checks === undefined
    ? "absent"
    : checks
        .map(({ status }) => status)
        .sort()
        .join(",");
