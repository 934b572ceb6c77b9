// Everything that can be told without running the product: format, lint, types, layers and tidiness, generated files,
// unused code. `npm run check` runs it alone; `npm test` begins with it.
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { runSuite } from "./suites.ts";
import { emptyTally, printTally, type Tally } from "./tally.ts";

const root = join(import.meta.dirname, "..", "..");
const bin = (name: string) => join(root, "node_modules", ".bin", name);

const PROGRAMS = [
  { name: "format and lint", command: bin("biome"), args: ["check", "--error-on-warnings"] },
  { name: "types", command: bin("tsc"), args: ["-p", "tsconfig.json"] },
  {
    name: "generated files",
    command: process.execPath,
    args: [join(import.meta.dirname, "generate.ts"), "--check"],
  },
  { name: "types of the console", command: bin("tsc"), args: ["-p", "apps/console/tsconfig.json"] },
  { name: "unused code", command: bin("knip"), args: ["--no-progress"] },
];

/** Runs every check, also after one has failed. */
export async function check(): Promise<Tally> {
  const tally = emptyTally();
  const [first, second] = [PROGRAMS.slice(0, 2), PROGRAMS.slice(2)];
  // Two at once: that is what small machines have cores for.
  await Promise.all([first, second].map((programs) => inTurn(programs, tally)));
  const files = globSync("test/architecture/**/*.test.ts", { cwd: root });
  await runSuite({ name: "architecture", files, filesAtOnce: 0, fileTimeoutMs: 60_000 }, tally);
  return tally;
}

async function inTurn(programs: typeof PROGRAMS, tally: Tally): Promise<void> {
  for (const { name, command, args } of programs) {
    const startedMs = performance.now();
    const { code, output } = await outputOf(command, args);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    console.log(`${code === 0 ? "ok    " : "FAILED"} ${name} (${seconds} s)`);
    if (code === 0) {
      tally.passed += 1;
      continue;
    }
    console.log(output);
    tally.failed += 1;
    tally.failures.push(`check: ${name}`);
  }
}

function outputOf(command: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    child.once("error", (error) => resolve({ code: 1, output: String(error) }));
    child.once("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

if (import.meta.main) {
  const tally = await check();
  printTally(tally);
  process.exitCode = tally.failed === 0 ? 0 : 1;
}
