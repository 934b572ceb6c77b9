// `npm run bench`: what the sidecar costs, as numbers with their machine. Nothing is asserted here; progress goes to stderr, results to
// stdout. docs/performance.md says how to read them.
import { parseArgs } from "node:util";
import { type ProxyPlan, runProxy } from "./proxy.ts";
import { proxyJson, proxyTable } from "./proxy-report.ts";
import { runStages } from "./stages.ts";
import { stagesJson, stagesTable } from "./stages-report.ts";

const HELP = `Usage: npm run bench -- <proxy|stages> [--quick] [--json] [--requests N] [--profile DIR]

  proxy    The same calls direct, through a bare passthrough, and through the sidecar, interleaved in one run.
  stages   What each stage of a call costs by itself, in this process.

  --quick       Under a minute; for a first look.
  --json        One line of JSON, raw windows included, instead of tables.
  --requests N  One repetition of N calls for each window: to see whether the bench works, not to measure.
  --profile DIR Leaves CPU profiles of the sidecars in DIR. Profiling slows them down, so the numbers of that run are none.
`;

const FULL = { repetitions: 5, warmups: 10_000, requests: 20_000, timeMs: 3_000 };
const QUICK = { repetitions: 2, warmups: 3_000, requests: 4_000, timeMs: 900 };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
    requests: { type: "string" },
    profile: { type: "string" },
  },
});

// Children are ended on exit, and an interrupt alone is no exit.
for (const signal of ["SIGINT", "SIGHUP"] as const) process.once(signal, () => process.exit(130));

const [name] = positionals;
const requests = Number(values.requests ?? 0);
if (values.help) process.stdout.write(HELP);
else if (name === "proxy") await proxy();
else if (name === "stages") await stages();
else {
  process.stderr.write(HELP);
  process.exitCode = 2;
}

async function proxy(): Promise<void> {
  const length =
    requests > 0 ? { ...QUICK, repetitions: 1, warmups: requests, requests } : values.quick ? QUICK : FULL;
  const plan: ProxyPlan = { ...length, profileDir: values.profile };
  await withScope(async (scope) => {
    const run = await runProxy(scope, plan, say);
    console.log(values.json ? proxyJson(run) : proxyTable(run));
  });
}

async function stages(): Promise<void> {
  const timeMs = requests > 0 ? 5 : values.quick ? 300 : 1_500;
  await withScope(async (scope) => {
    const run = await runStages(scope, { timeMs }, say);
    console.log(values.json ? stagesJson(run) : stagesTable(run));
  });
}

function say(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}

/** What is started within ends with it. */
async function withScope(
  work: (scope: { after: (hook: () => Promise<void> | void) => void }) => Promise<void>,
): Promise<void> {
  const hooks: (() => Promise<void> | void)[] = [];
  try {
    await work({ after: (hook) => void hooks.push(hook) });
  } finally {
    for (const hook of hooks) await hook();
  }
}
