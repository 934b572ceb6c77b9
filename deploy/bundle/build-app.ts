// One of our programs as files that need nothing but Node: its code, the threads and late packages beside it, the files that it reads, and
// the licences of all that went in.
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type BuildOptions, build } from "esbuild";
import { emptyFilesBeside, type FilesBeside, filesBeside, lateFileName } from "./files-beside.ts";
import { leanNode, leanPackages, zodByName } from "./lean-imports.ts";
import { licencesOf } from "./licences.ts";

/** Folders under apps/ of what is deployed. */
export const APPS = ["sidecar", "control-plane", "injector", "ctl"] as const;

export interface BuildRequest {
  /** Absolute: the folder of the repository. */
  readonly root: string;
  readonly app: string;
  /** Absolute: the folder to write to. */
  readonly folder: string;
}

/** What is CommonJS in an ES module still asks for Node's own modules by `require`. */
const REQUIRE =
  'import{createRequire as createBundleRequire}from"node:module";const require=createBundleRequire(import.meta.url);';

const OPTIONS: BuildOptions = {
  bundle: true,
  platform: "node",
  target: "node24",
  // Names stay, so that a stack in a log says which functions it went through; shorter ones would not save memory.
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: "external",
  legalComments: "external",
  metafile: true,
  logLevel: "warning",
};

/** Throws what esbuild throws, and when the sources find something in a way that no bundle can follow. */
export async function buildApp({ root, app, folder }: BuildRequest): Promise<void> {
  const found = emptyFilesBeside();
  const options = {
    ...OPTIONS,
    absWorkingDir: root,
    plugins: [filesBeside(root, found, zodByName), leanPackages, leanNode],
  };
  const inputs = await buildModules({ main: join(root, "apps", app, "src", "main.ts") }, folder, options);
  // Maps that grow while they are walked are walked to their ends.
  for (const [source, name] of found.workers)
    inputs.push(...(await buildModules({ [name]: source }, folder, options)));
  for (const [name, from] of found.latePackages)
    inputs.push(...(await buildLatePackage(name, from, folder, options)));
  copyFiles(found, folder);
  writeFileSync(join(folder, "LICENCES.txt"), licencesOf(root, inputs));
}

/** The files that went in, from the root. */
async function buildModules(
  entryPoints: Record<string, string>,
  folder: string,
  options: BuildOptions,
): Promise<string[]> {
  const { metafile } = await build({
    ...options,
    entryPoints,
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    format: "esm",
    // What is imported late is a file of its own, read when it is needed.
    splitting: true,
    chunkNames: "[name]-[hash]",
    banner: { js: REQUIRE },
  });
  return Object.keys(metafile?.inputs ?? {});
}

async function buildLatePackage(
  name: string,
  resolveDir: string,
  folder: string,
  options: BuildOptions,
): Promise<string[]> {
  const { metafile } = await build({
    ...options,
    stdin: { contents: `module.exports = require(${JSON.stringify(name)});`, resolveDir },
    outfile: join(folder, lateFileName(name)),
    format: "cjs",
  });
  return Object.keys(metafile?.inputs ?? {});
}

function copyFiles({ copies }: FilesBeside, folder: string): void {
  for (const [source, beside] of copies) {
    const target = resolve(folder, beside);
    mkdirSync(dirname(target), { recursive: true });
    // Tests that lie among a program's files are not the program's.
    cpSync(source, target, { recursive: true, filter: (path) => !/\.(test|fixture)\.ts$/.test(path) });
  }
}
