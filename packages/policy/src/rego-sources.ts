// Rego files on their way to OPA: checked names, a private folder for the time of one command, and nothing left behind.
// Names are checked because they become paths here and in the bundle, and arguments of a command.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { JsonObject } from "@postern/contracts";
import { Fault } from "@postern/fault";

/** Rego text, alone or as files: path (such as "policy.rego", "money/transfer.rego") → text. */
export type RegoSource = string | Readonly<Record<string, string>>;

const NAME = /^(?=.{1,112}$)[a-z0-9_][a-z0-9_-]*(\/[a-z0-9_][a-z0-9_-]*)*\.rego$/;
const BYTES_MAX = 1024 * 1024;

/** The files of a source, sorted by path. Faults: invalid `policy.source`, too_large `policy.source`. */
export function regoFiles(source: RegoSource): ReadonlyMap<string, string> {
  const named = typeof source === "string" ? { "policy.rego": source } : source;
  const files = new Map(Object.entries(named).sort(([a], [b]) => (a < b ? -1 : 1)));
  if (files.size === 0) throw new Fault("invalid", "policy.source", "The policy has no Rego file.");
  let bytes = 0;
  for (const [path, text] of files) {
    if (!NAME.test(path)) {
      const rule = "lower-case letters, digits, '_', '-' and '/', at most 112 characters, ending in .rego";
      throw new Fault(
        "invalid",
        "policy.source",
        `The Rego file name ${JSON.stringify(path)} is not ${rule}.`,
      );
    }
    if (text.includes("\0")) throw new Fault("invalid", "policy.source", `${path} holds a NUL character.`);
    bytes += Buffer.byteLength(text);
  }
  if (bytes <= BYTES_MAX) return files;
  throw new Fault("too_large", "policy.source", `The Rego files are larger than ${BYTES_MAX} bytes.`);
}

/** Whether OPA takes this file for tests (`opa test`); such files are neither compiled nor bundled. */
export function isTestFile(path: string): boolean {
  return path.endsWith("_test.rego");
}

/** Runs `work` in a fresh folder holding these files and `data.json`; `paths` are their names in it. The folder is removed. */
export async function withRegoFolder<Result>(
  files: ReadonlyMap<string, string>,
  data: JsonObject,
  work: (folder: string, paths: readonly string[]) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "postern-rego-"));
  try {
    for (const [path, text] of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    await writeFile(join(folder, "data.json"), JSON.stringify(data));
    return await work(folder, [...files.keys(), "data.json"]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
