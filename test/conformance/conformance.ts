// `npm run conformance`: the official conformance suites against our fixture server, straight and through the sidecar, check by check.
// Progress goes to stderr, the table to stdout; the exit code is 1 when a check differs.
import { parseArgs } from "node:util";
import { conformanceJson, conformanceTable, differingIn } from "./report.ts";
import { runSuites } from "./run.ts";
import { SUITES } from "./suites.ts";

const HELP = `Usage: npm run conformance -- [--json] [--only SUITE]…

Runs each suite directly against a fixture server, through a forwarder that only adds a token, through a sidecar that allows everything,
and through one that has to judge each tool by its name, and compares every check with the direct run.

  --json        One line of JSON instead of the table.
  --only SUITE  Only suites whose name holds SUITE: ${SUITES.map(({ name }) => name).join(", ")}.
`;

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
  },
});
const { only } = values;
const wanted = SUITES.filter(({ name }) => only.length === 0 || only.some((part) => name.includes(part)));

// Children are ended on exit, and an interrupt alone is no exit.
for (const signal of ["SIGINT", "SIGHUP"] as const) process.once(signal, () => process.exit(130));

if (values.help) process.stdout.write(HELP);
else if (wanted.length === 0) {
  process.stderr.write(HELP);
  process.exitCode = 2;
} else await main();

async function main(): Promise<void> {
  const hooks: (() => Promise<void> | void)[] = [];
  try {
    const reports = await runSuites({ after: (hook) => void hooks.push(hook) }, wanted, (text) =>
      process.stderr.write(`conformance: ${text}\n`),
    );
    console.log(values.json ? conformanceJson(reports) : conformanceTable(reports));
    process.exitCode = differingIn(reports) === 0 ? 0 : 1;
  } finally {
    for (const hook of hooks) await hook();
  }
}
