// What a run found, as a table for people and as one line for programs.
import { printTable } from "../load/table.ts";
import type { SuiteReport } from "./run.ts";
import { WAYS } from "./ways.ts";

/** Checks that differ for certain, over all suites and ways. */
export const differingIn = (reports: readonly SuiteReport[]): number =>
  sum(reports.flatMap(({ ways }) => ways.map(({ differing }) => differing.length)));

/** One line of JSON; `checks` counts every comparison with the straight way. */
export function conformanceJson(reports: readonly SuiteReport[]): string {
  const compared = reports.flatMap(({ ways }) => ways.slice(1));
  return JSON.stringify({
    checks: sum(compared.map(({ checks }) => checks)),
    differing: differingIn(reports),
    unsteady: sum(compared.map(({ unsteady }) => unsteady.length)),
    suites: reports,
  });
}

/** passed/failed of each suite on each way, and each difference by its name. */
export function conformanceTable(reports: readonly SuiteReport[]): string {
  const rows = reports.map(({ suite, ways }) => [
    suite,
    ...ways.map(({ passed, failed }) => `${passed}/${failed}`),
    String(differingIn([{ suite, ways }])),
  ]);
  const table = printTable([["passed/failed", ...WAYS, "differing"], ...rows]);
  return [table, ...reports.flatMap(differenceLines)].join("\n");
}

const differenceLines = ({ suite, ways }: SuiteReport): string[] =>
  ways.flatMap(({ way, differing, unsteady }) => [
    ...differing.map((each) => line("differs", suite, way, each)),
    ...unsteady.map((each) => line("unsteady", suite, way, each)),
  ]);

const line = (
  what: string,
  suite: string,
  way: string,
  { check, direct, through, says }: SuiteReport["ways"][number]["differing"][number],
) =>
  `${what}: ${suite}, ${way}: ${check}: direct ${direct}, through ${through}${says === "" ? "" : `: ${says}`}`;

const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
