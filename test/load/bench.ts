// `npm run bench`: what the sidecar costs, as numbers with their machine. Nothing is asserted here; progress goes to stderr, results to
// stdout. docs/performance.md says how to read them.
import { appendFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Choice, chooseCases, chooseSpecials, WORKLOADS } from "./cases.ts";
import {
  FULL as CONTROL_FULL,
  QUICK as CONTROL_QUICK,
  type ControlPlan,
  PARTS,
  runControl,
} from "./control/control.ts";
import { controlJson, controlTable } from "./control/control-report.ts";
import { isLineName, TITLES } from "./lines.ts";
import { summarize } from "./profile-summary.ts";
import { type ProxyPlan, runProxy } from "./proxy.ts";
import { proxyJson } from "./proxy-json.ts";
import { proxyTable } from "./proxy-report.ts";
import { runStages } from "./stages.ts";
import { stagesJson, stagesTable } from "./stages-report.ts";

const HELP = `Usage: npm run bench -- <proxy|stages|control|summary DIR> [options]

  proxy    The same calls direct, through a bare passthrough, and through the sidecar, interleaved in one run.
  stages   What each stage of a call costs by itself, in this process.
  control  The control plane over Postgres: minting, how fast changes are heard, lists over a large history, starting.
  summary  Functions and files by their own time, out of the CPU profiles in DIR.

  --quick            Under a minute: the main lines with 1, 16 and 64 connections, and at a constant rate.
  --json             One line of JSON, raw windows included, instead of tables.
  --raw FILE         Each window as a line of JSON in FILE, as soon as it is taken.
  --line NAME        Only this line, and bare passthrough beside it. As often as wanted:
                     ${Object.keys(TITLES).join(" ")}
  --workload NAME    Only this workload. As often as wanted:
                     ${WORKLOADS.join(" ")}
  --connections N    Only with this many connections. As often as wanted.
  --memory-calls N   Calls of the workload "memory"; default 100000.
  --requests N       One repetition of N calls for each window: to see whether the bench works, not to measure.
  --profile DIR      Leaves CPU profiles of the proxies in DIR. Profiling slows them down, so the numbers of that run are none.
  --part NAME        control: only this part. As often as wanted: ${PARTS.join(" ")}
  --plans            control: how Postgres answers the lists, as it explains it.
  --summary          With --profile: prints their summary as well.
`;

const FULL = { repetitions: 5, warmups: 10_000, requests: 60_000, timeMs: 1_500, memoryCalls: 100_000 };
const QUICK = { repetitions: 3, warmups: 12_000, requests: 30_000, timeMs: 350, memoryCalls: 20_000 };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
    summary: { type: "boolean", default: false },
    requests: { type: "string" },
    profile: { type: "string" },
    raw: { type: "string" },
    plans: { type: "boolean", default: false },
    part: { type: "string", multiple: true, default: [] },
    line: { type: "string", multiple: true, default: [] },
    workload: { type: "string", multiple: true, default: [] },
    connections: { type: "string", multiple: true, default: [] },
    "memory-calls": { type: "string" },
  },
});

// Children are ended on exit, and an interrupt alone is no exit.
for (const signal of ["SIGINT", "SIGHUP"] as const) process.once(signal, () => process.exit(130));

const [name, folder] = positionals;
const requests = Number(values.requests ?? 0);
const unknown = [
  ...values.line.filter((line) => !isLineName(line)),
  ...values.workload.filter((workload) => !WORKLOADS.includes(workload)),
  ...values.part.filter((part) => !PARTS.some((known) => known === part)),
];
if (values.help) process.stdout.write(HELP);
else if (unknown.length > 0) misuse(`there is no line, workload or part ${unknown.join(", ")}`);
else if (name === "proxy") await proxy();
else if (name === "stages") await stages();
else if (name === "control") await control();
else if (name === "summary" && folder !== undefined) console.log(summarize(folder));
else misuse(HELP);

async function proxy(): Promise<void> {
  const plan = planOf();
  if (plan.cases.length === 0 && plan.specials.length === 0) return misuse("nothing is left to be measured");
  const { raw } = values;
  if (raw !== undefined) writeFileSync(raw, "");
  await withScope(async (scope) => {
    const run = await runProxy(scope, plan, {
      onProgress: say,
      onWindow: (window) => raw !== undefined && appendFileSync(raw, `${JSON.stringify(window)}\n`),
    });
    console.log(values.json ? proxyJson(run) : proxyTable(run));
  });
  if (values.summary && plan.profileDir !== undefined) console.log(`\n${summarize(plan.profileDir)}`);
}

function planOf(): ProxyPlan {
  const choice: Choice = {
    isQuick: values.quick,
    lines: values.line.filter(isLineName),
    workloads: values.workload,
    connections: values.connections.map(Number),
  };
  const length = values.quick || requests > 0 ? QUICK : FULL;
  const short = requests > 0 ? { repetitions: 1, warmups: requests, requests, memoryCalls: requests } : {};
  const memoryCalls = values["memory-calls"];
  return {
    cases: chooseCases(choice),
    specials: chooseSpecials(choice),
    ...length,
    ...short,
    ...(memoryCalls !== undefined && { memoryCalls: Number(memoryCalls) }),
    profileDir: values.profile,
  };
}

async function stages(): Promise<void> {
  const timeMs = requests > 0 ? 5 : values.quick ? 300 : 1_500;
  await withScope(async (scope) => {
    const run = await runStages(scope, { timeMs }, say);
    console.log(values.json ? stagesJson(run) : stagesTable(run));
  });
}

async function control(): Promise<void> {
  const plan = values.quick || requests > 0 ? CONTROL_QUICK : CONTROL_FULL;
  const chosen = PARTS.filter((part) => values.part.includes(part));
  const parts = chosen.length > 0 ? chosen : PARTS;
  await withScope(async (scope) => {
    const run = await runControl(scope, requests > 0 ? shortened(plan, parts) : { ...plan, parts }, say);
    console.log(values.json ? controlJson(run) : controlTable(run, values));
  });
}

/** Just enough to see that it works. */
function shortened(plan: ControlPlan, parts: ControlPlan["parts"]): ControlPlan {
  return {
    parts,
    mint: { ...plan.mint, connections: [2], requests },
    fanOut: { streams: [4], rounds: 1 },
    promote: { streams: 4, rounds: 1 },
    lists: { ...plan.lists, events: 2_000, tokens: 100, requests },
    starts: 1,
  };
}

function misuse(text: string): void {
  process.stderr.write(`${text.trimEnd()}\n`);
  process.exitCode = 2;
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
