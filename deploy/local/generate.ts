// Writes the files that are made from code: `generate.ts` writes them, `generate.ts --check` says which are out of date.
// A generator is a row: the file, and a pure function that gives its text.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { clientTypes } from "./client-types.ts";
import { reasonsPage } from "./reasons-page.ts";

const root = join(import.meta.dirname, "..", "..");

const GENERATED: readonly { file: string; text: () => string }[] = [
  { file: "docs/reasons.md", text: reasonsPage },
  { file: "packages/client/src/admin-operations.generated.ts", text: clientTypes },
];

const isCheck = process.argv.includes("--check");
for (const { file, text } of GENERATED) {
  const path = join(root, file);
  const wanted = text();
  if (existsSync(path) && readFileSync(path, "utf8") === wanted) continue;
  if (isCheck) {
    console.error(`${file} is out of date: run node_modules/.bin/node deploy/local/generate.ts`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, wanted);
    console.error(`${file} written`);
  }
}
