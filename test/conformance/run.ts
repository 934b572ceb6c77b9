// Every suite on every way, compared with the straight one. A check that differs is tried once more on both ways, since some checks measure
// time and the machine has other things to do: what differs both times counts, what does not is told as unsteady.
import type { TestScope } from "@postern/testkit";
import { type Difference, differences, type Findings, type Tally, tallyOf } from "./checks.ts";
import { runSuite } from "./run-suite.ts";
import type { Suite } from "./suites.ts";
import { layWays, type Way, type WayName } from "./ways.ts";

export interface SuiteReport {
  readonly suite: string;
  readonly ways: readonly WayReport[];
}

export interface WayReport extends Tally {
  readonly way: WayName;
  readonly differing: readonly Difference[];
  readonly unsteady: readonly Difference[];
}

export type OnProgress = (text: string) => void;

/** Starts what it needs; all of it ends with the scope. */
export async function runSuites(
  scope: TestScope,
  suites: readonly Suite[],
  onProgress: OnProgress,
): Promise<readonly SuiteReport[]> {
  onProgress("starting the product and the fixture server");
  const ways = await layWays(scope);
  const reports: SuiteReport[] = [];
  for (const suite of suites) {
    onProgress(`${suite.name} on ${ways.length} ways`);
    reports.push({ suite: suite.name, ways: await compare(scope, suite, ways) });
  }
  return reports;
}

async function compare(scope: TestScope, suite: Suite, ways: readonly Way[]): Promise<WayReport[]> {
  const found = new Map<Way, Findings>();
  const queue = ways.values();
  // Two at once: one waits while the other computes, and the timing of neither suffers.
  const lane = async () => {
    for (const way of queue) found.set(way, await walk(scope, suite, way));
  };
  await Promise.all([lane(), lane()]);
  const [straight, ...others] = ways;
  const before = straight && found.get(straight);
  if (before === undefined || straight === undefined) throw new Error("There is nothing to compare with.");
  const reports = [reportOf(straight, before, [], [])];
  for (const way of others) {
    const after = found.get(way) ?? new Map();
    const first = differences(before, after);
    const again = first.length === 0 ? [] : await tryAgain(scope, suite, straight, way);
    const isSteady = ({ check }: Difference) => again.some((other) => other.check === check);
    reports.push(
      reportOf(
        way,
        after,
        first.filter(isSteady),
        first.filter((difference) => !isSteady(difference)),
      ),
    );
  }
  return reports;
}

const tryAgain = async (scope: TestScope, suite: Suite, straight: Way, way: Way): Promise<Difference[]> =>
  differences(await walk(scope, suite, straight), await walk(scope, suite, way));

const reportOf = (
  { name }: Way,
  findings: Findings,
  differing: readonly Difference[],
  unsteady: readonly Difference[],
): WayReport => ({ way: name, ...tallyOf(findings), differing, unsteady });

function walk(scope: TestScope, suite: Suite, way: Way): Promise<Findings> {
  if (suite.side === "server") return runSuite(scope, suite, { args: ["--url", way.fixtureUrl] });
  const client = new URL("./scenario-client.ts", import.meta.url).pathname;
  return runSuite(scope, suite, {
    args: ["--command", `${process.execPath} ${client}`],
    ...(way.harness !== undefined && { env: { POSTERN_CONFORMANCE_WAY: JSON.stringify(way.harness) } }),
  });
}
