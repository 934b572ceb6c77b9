// From what a person typed to the plan of a rollout, or a sentence that says what to change.

export interface PlanFields {
  readonly mode: string;
  readonly percent: string;
  /** One name=value a line; commas do too. */
  readonly labels: string;
  readonly denialsUp: string;
  readonly callsMin: string;
}

export interface RolloutPlan {
  readonly mode: "staged" | "shadow";
  readonly percent: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly stop_when: { readonly denials_up_percent_points: number; readonly calls_min: number };
}

type Read =
  | { readonly ok: true; readonly plan: RolloutPlan }
  | { readonly ok: false; readonly problem: string };

export function readRolloutPlan(fields: PlanFields): Read {
  const percent = whole(fields.percent, 0, 100);
  if (percent === undefined) return refuse("Percent: a whole number from 0 to 100.");
  const denials = whole(fields.denialsUp, 1, 100);
  if (denials === undefined) return refuse("Rise of denials: a whole number from 1 to 100.");
  const calls = whole(fields.callsMin, 1, 1_000_000);
  if (calls === undefined) return refuse("Calls: a whole number from 1 to 1,000,000.");
  const pairs = fields.labels
    .split(/[\n,]/)
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => /^([^=]+)=(.*)$/s.exec(line));
  const labels: [string, string][] = [];
  for (const pair of pairs) {
    if (pair === null) return refuse("Labels: name=value, one a line.");
    labels.push([(pair[1] ?? "").trim(), (pair[2] ?? "").trim()]);
  }
  return {
    ok: true,
    plan: {
      mode: fields.mode === "shadow" ? "shadow" : "staged",
      percent,
      labels: Object.fromEntries(labels),
      stop_when: { denials_up_percent_points: denials, calls_min: calls },
    },
  };
}

/** A whole number between these, both included. */
export function whole(text: string, min: number, max: number): number | undefined {
  const trimmed = text.trim();
  const value = /^\d{1,15}$/.test(trimmed) ? Number(trimmed) : Number.NaN;
  return value >= min && value <= max ? value : undefined;
}

function refuse(problem: string): Read {
  return { ok: false, problem };
}
