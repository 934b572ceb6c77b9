// `npm run bundle`: dist/<app>/ for each program that is deployed. Each folder is whole by itself: Node 24 and nothing else runs its main.mjs.
// `npm run bundle -- [--out <folder>] [app…]`
import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { APPS, buildApp } from "./build-app.ts";

const root = join(import.meta.dirname, "..", "..");
const { values, positionals } = parseArgs({ options: { out: { type: "string" } }, allowPositionals: true });
const out = resolve(values.out ?? join(root, "dist"));
const wanted = positionals.length > 0 ? positionals : APPS;
const unknown = wanted.find((name) => !APPS.some((app) => app === name));

if (unknown !== undefined) {
  process.stderr.write(`there is no "${unknown}"; there are ${APPS.join(", ")}\n`);
  process.exitCode = 2;
} else {
  for (const app of wanted) {
    const folder = join(out, app);
    const startedMs = performance.now();
    rmSync(folder, { recursive: true, force: true });
    await buildApp({ root, app, folder });
    process.stdout.write(`${folder} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)\n`);
  }
}
