import assert from "node:assert/strict";
import { test } from "node:test";
import type { ToolReport, ToolReportReply, ToolSighting } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { silentLogger } from "@postern/telemetry";
import { defer, fixedClock, type TestScope } from "@postern/testkit";
import { createReporter } from "./report-sightings.ts";

const sighting = (tool: string, digit = "0", characters = 10): ToolSighting => ({
  ...{ upstream: "files", tool, digest: digit.repeat(64) },
  definition: { name: tool, description: "x".repeat(characters) },
});

function createRig(t: TestScope, answer: (report: ToolReport) => ToolReportReply = () => ({ refused: [] })) {
  const clock = fixedClock();
  const reports: ToolReport[] = [];
  const refused: string[] = [];
  const reporter = createReporter({
    upstreams: () => ["files"],
    async report(report) {
      reports.push(report);
      return answer(report);
    },
    onRefused: (those) => void refused.push(...those.map(({ tool }) => tool)),
    clock,
    sleep: async (ms) => {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(ms);
    },
    random: () => 0,
    log: silentLogger,
  });
  defer(t, () => reporter.stop());
  const until = async (is: () => boolean) => {
    while (!is()) await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, reports, refused, reporter, until };
}

const namesIn = (report: ToolReport | undefined) => report?.tools.map(({ tool }) => tool);

test("what is seen together is told together, in batches that are not too large", async (t) => {
  const rig = createRig(t);
  for (let at = 0; at < 100; at += 1) rig.reporter.tell(sighting(`t${at}`));
  for (let at = 0; at < 40; at += 1) rig.reporter.tell(sighting(`large${at}`, "0", 60_000));
  await rig.until(() => rig.reports.flatMap(({ tools }) => tools).length === 140);
  assert.equal(new Set(rig.reports.flatMap(({ tools }) => tools.map(({ tool }) => tool))).size, 140);
  for (const report of rig.reports) {
    assert.deepEqual(report.upstreams, ["files"]);
    assert.ok(report.tools.length <= 64 && JSON.stringify(report).length < 1_200_000);
  }
});

test("of a tool that changes all the time the newest definition is told, and seldom", async (t) => {
  const rig = createRig(t);
  rig.reporter.tell(sighting("read", "0"));
  await rig.until(() => rig.reports.length === 1);
  const [startMs, first] = [rig.clock.monotonicMs(), rig.reports[0]];
  for (const digit of ["1", "2", "3"]) rig.reporter.tell(sighting("read", digit));
  await rig.until(() => rig.reports.length === 2);
  assert.ok(rig.clock.monotonicMs() - startMs >= 9_000);
  assert.deepEqual([first?.tools[0]?.digest[0], rig.reports[1]?.tools[0]?.digest[0]], ["0", "3"]);
});

test("what could not be told is told again, and what came meanwhile goes with it", async (t) => {
  let failures = 3;
  const rig = createRig(t, () => {
    if (failures === 0) return { refused: [] };
    failures -= 1;
    rig.reporter.tell(sighting(`more${failures}`));
    throw new Fault("unavailable", "client.unreachable", "The service cannot be reached.");
  });
  rig.reporter.tell(sighting("read"));
  await rig.until(() => rig.reports.length === 4);
  assert.deepEqual(namesIn(rig.reports[3]), ["read", "more2", "more1", "more0"]);
  assert.deepEqual(rig.refused, []);
});

test("what is refused for good is found alone, and all beside it is told", async (t) => {
  const taken: string[] = [];
  const rig = createRig(t, ({ tools }) => {
    const names = tools.map(({ tool }) => tool);
    if (names.includes("bad")) throw new Fault("invalid", "body.invalid", "No.");
    taken.push(...names);
    return { refused: names.includes("full") ? [{ upstream: "files", tool: "full" }] : [] };
  });
  for (const tool of ["a", "b", "bad", "c", "full", "d"]) rig.reporter.tell(sighting(tool));
  await rig.until(() => taken.length === 5);
  assert.deepEqual(taken.sort(), ["a", "b", "c", "d", "full"]);
  await rig.until(() => rig.refused.length === 2);
  assert.deepEqual(rig.refused.sort(), ["bad", "full"]);
});
