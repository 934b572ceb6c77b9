// The cost of each stage as a table or as one line of JSON.
import type { StagesRun } from "./stages.ts";
import { printTable } from "./table.ts";

export const stagesJson = (run: StagesRun): string => JSON.stringify({ bench: "stages", ...run });

export function stagesTable({ machine, stages }: StagesRun): string {
  const rows = stages.map(({ stage, title, us, usMin }) => [
    `${stage}: ${title}`,
    usMin.toFixed(2),
    us.toFixed(2),
  ]);
  return [
    `${machine.cpu}, ${machine.cores} processors, Node ${machine.node}, fdatasync ${machine.fdatasyncMs.toFixed(2)} ms`,
    printTable([["stage", "min µs", "median µs"], ...rows]),
  ].join("\n\n");
}
