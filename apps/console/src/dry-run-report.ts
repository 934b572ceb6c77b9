// What a dry run found, for somebody who decides whether to promote: what to look at first, what would flip, and call by call.
import { CHANGES, type DryRun, type JudgedCall } from "./admin-policies.ts";
import { bars } from "./bars.ts";
import { type Child, element } from "./element.ts";
import { count, counted, instant } from "./format.ts";
import { badge, facts, faint, link, note, nothing } from "./parts.ts";
import type { Place } from "./screen.ts";
import { table } from "./table.ts";

export function dryRunReport(place: Place, run: DryRun): HTMLElement {
  const { summary, safety, decisions } = run;
  const flips = CHANGES.map((name) => ({ name, count: summary[name] })).filter((flip) => flip.count > 0);
  return element(
    "section",
    { class: "report", "aria-label": "What the dry run found" },
    element("p", { class: verdictClass(run) }, headline(run)),
    findings(safety),
    flips.length === 0
      ? undefined
      : bars({ caption: "What would flip", rows: flips, whole: summary.evaluated, label: flipTold }),
    facts([
      ["Judged", count(summary.evaluated)],
      ["Unchanged", count(summary.unchanged)],
      ["Changed", count(summary.changed)],
      ["Uncertain", count(summary.uncertain)],
      ["Candidate failed", count(summary.failed)],
      ["Most affected tools", affected(summary.tools)],
      ["Most affected agents", affected(summary.agents)],
    ]),
    callTable(place, decisions),
    summary.uncertain > 0
      ? note("Uncertain: the draft reads something that the log does not hold, so it may decide otherwise.")
      : undefined,
  );
}

/** "allow → block". */
export function flipTold(change: string): string {
  return change.replace("_to_", " → ");
}

function headline({ summary, partial, partial_reason = "" }: DryRun): string {
  const { evaluated, changed } = summary;
  const cut = partial ? ` The run ended early (${partial_reason}): not all was judged.` : "";
  if (evaluated === 0) return `No call of the past was judged.${cut}`;
  return changed === 0
    ? `None of ${counted(evaluated, "call")} would be decided otherwise.${cut}`
    : `${count(changed)} of ${counted(evaluated, "call")} would be decided otherwise.${cut}`;
}

function verdictClass({ summary, safety, partial }: DryRun): string {
  const isBad = safety.some(({ severity }) => severity === "critical");
  const isGood = summary.changed === 0 && summary.evaluated > 0 && !partial && safety.length === 0;
  return `verdict${isBad ? " bad" : isGood ? " good" : ""}`;
}

function findings(safety: DryRun["safety"]): HTMLElement | undefined {
  if (safety.length === 0) return undefined;
  return element(
    "ul",
    { class: "findings", "aria-label": "To look at before promoting" },
    ...safety.map(({ severity, message }) => element("li", {}, badge(severity), ` ${message}`)),
  );
}

function affected(names: DryRun["summary"]["tools"]): Child {
  const changed = names.filter((each) => each.changed > 0);
  if (changed.length === 0) return faint("none");
  return changed
    .map((each) => `${each.name} (${count(each.changed)} of ${count(each.evaluated)})`)
    .join(", ");
}

function callTable(place: Place, decisions: readonly JudgedCall[]): HTMLElement {
  const looked = decisions.filter(
    ({ changed, uncertain, event_id }) => changed || uncertain || event_id === "",
  );
  return table({
    caption: "Calls that would be decided otherwise, or may be",
    rows: looked,
    columns: [
      { title: "Time (UTC)", kind: "short", cell: ({ ts }) => (ts === undefined ? nothing() : instant(ts)) },
      { title: "Tool", cell: (call) => toolOf(place, call) },
      { title: "Agent", cell: ({ input }) => told(input.agent_id) },
      { title: "Was", kind: "short", cell: ({ actual_decision }) => badge(actual_decision) },
      { title: "Would be", kind: "short", cell: (call) => candidateOf(call) },
      { title: "Reason", cell: ({ candidate_reason, rule }) => candidate_reason || rule || nothing() },
      { title: "Not known", cell: ({ missing }) => (missing.length === 0 ? nothing() : missing.join(", ")) },
    ],
    empty: "No call among those that were answered with differs.",
  });
}

function toolOf(place: Place, { input, ts }: JudgedCall): Child {
  const tool = told(input.tool);
  if (ts === undefined || tool === "") return element("span", { class: "tool" }, tool);
  const until = new Date(Date.parse(ts) + 1).toISOString();
  return link(
    element("span", { class: "tool" }, tool),
    place.at({ screen: "events", query: { tool, since: ts, until } }),
  );
}

function candidateOf({ candidate_decision, uncertain, failed }: JudgedCall): HTMLElement {
  const beside = [uncertain ? "uncertain" : "", failed ? "failed" : ""].filter((word) => word !== "");
  return element(
    "span",
    {},
    badge(candidate_decision),
    beside.length === 0 ? undefined : faint(` (${beside.join(", ")})`),
  );
}

const told = (value: unknown): string => (typeof value === "string" ? value : "");
