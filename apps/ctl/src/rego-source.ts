// Rego from disk as the compiler takes it: names are relative to the folder given, so that they read the same everywhere.
import { glob, stat } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import type { JsonObject } from "@postern/contracts";
import { Fault, toFault } from "@postern/fault";
import { z } from "zod";
import { usage } from "./command.ts";
import { fileFault, fileText } from "./text-source.ts";

const FILES_MAX = 256;

export const REGO_OPTIONS = {
  data: { value: "FILE", description: "JSON document that the policy reads as `data`." },
} as const;

/** Name → text of every Rego file under the paths, tests included. Raises Fault invalid "ctl.file" | "ctl.usage". */
export async function readRego(paths: readonly string[]): Promise<Record<string, string>> {
  const sources: Record<string, string> = {};
  for (const path of paths) {
    for (const { file, name } of await regoFilesUnder(path)) {
      if (name in sources) throw usage(`two files are called ${name}`);
      sources[name] = await fileText(file);
    }
  }
  const count = Object.keys(sources).length;
  if (count === 0) throw new Fault("invalid", "ctl.file", "There is no .rego file there.");
  if (count > FILES_MAX)
    throw new Fault("invalid", "ctl.file", `There are more than ${FILES_MAX} .rego files there.`);
  return sources;
}

/** The data document, as an option to spread. Raises Fault invalid "ctl.file" | "ctl.usage". */
export async function readData(path: string | undefined): Promise<{ data?: JsonObject }> {
  if (path === undefined) return {};
  const parsed = DataText.safeParse(await fileText(path));
  if (!parsed.success) throw usage(`${path} is not a JSON object`);
  return { data: parsed.data };
}
const DataText = z.preprocess((text) => parseJson(String(text)), z.record(z.string(), z.json()));

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** That Rego does not compile is an answer, in the compiler's own words; any other trouble stays a Fault. */
export function uncompiled(caught: unknown): { readonly message: string } {
  const fault = toFault(caught);
  if (fault.code !== "policy.rego") throw fault;
  return { message: fault.message };
}

async function regoFilesUnder(path: string): Promise<{ file: string; name: string }[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [{ file: path, name: basename(path) }];
    const files = await Array.fromAsync(glob(join(path, "**/*.rego")));
    return files.map((file) => ({ file, name: relative(path, file).replaceAll("\\", "/") }));
  } catch (caught) {
    throw fileFault(path, caught);
  }
}
