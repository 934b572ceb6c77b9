// What was counted of a rollout: both policies side by side.
import { CHANGES, type Rollout, type Verdicts } from "./admin-policies.ts";
import { bars } from "./bars.ts";
import { flipTold } from "./dry-run-report.ts";
import { element } from "./element.ts";
import { count, percent } from "./format.ts";
import { facts, faint } from "./parts.ts";
import { table } from "./table.ts";

export function rolloutFigures({ figures }: Pick<Rollout, "figures">): HTMLElement {
  const { sidecars, taking_part, loaded, active, candidate, compared, skipped, differences } = figures;
  const { problem = "", load_failures } = figures;
  const flips = CHANGES.map((name) => ({ name, count: differences[name] ?? 0 })).filter(
    (flip) => flip.count > 0,
  );
  return element(
    "div",
    {},
    facts([
      ["Sidecars that reported", count(sidecars)],
      ["Taking part", `${count(taking_part)}, of them with the candidate ready: ${count(loaded)}`],
      ["Calls asked of both", `${count(compared)}; not compared: ${count(skipped)}`],
      ["Could not load", count(load_failures)],
    ]),
    problem === "" ? undefined : element("div", { class: "trouble", role: "alert" }, problem),
    arms(active, candidate),
    flips.length === 0
      ? faint("No call was decided otherwise by the candidate.")
      : bars({ caption: "Where they differ", rows: flips, whole: compared, label: flipTold }),
  );
}

/** "3 (12 %)". */
function shareTold(part: number, verdicts: Verdicts): string {
  const whole = verdicts.allowed + verdicts.blocked + verdicts.escalated;
  return `${count(part)} (${percent(part, whole)})`;
}

function arms(active: Verdicts, candidate: Verdicts): HTMLElement {
  const rows = [
    ["active policy", active],
    ["candidate", candidate],
  ] as const;
  return table({
    caption: "What each policy said",
    rows,
    columns: [
      { title: "Policy", cell: ([name]) => name },
      { title: "Allowed", kind: "number", cell: ([, each]) => shareTold(each.allowed, each) },
      { title: "Blocked", kind: "number", cell: ([, each]) => shareTold(each.blocked, each) },
      { title: "Escalated", kind: "number", cell: ([, each]) => shareTold(each.escalated, each) },
    ],
    empty: "",
  });
}
