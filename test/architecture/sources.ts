// The repository as the architecture tests see it: which files there are, what their code says without comments, and
// what they import. Read from the files themselves, so that no configuration can talk the tests out of anything.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { repositoryRoot } from "@postern/testkit";

export interface Source {
  /** From the repository's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** The text with comments blanked out; line numbers stay. */
  readonly code: string;
  readonly imports: readonly string[];
  /** The package or app it belongs to, such as "packages/budget"; "" outside of both. */
  readonly unit: string;
}

export interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly dependencies: ReadonlySet<string>;
  readonly devDependencies: ReadonlySet<string>;
}

const NOT_OURS = new Set(["node_modules", ".git", ".pnpm-store", ".postern", "coverage", "dist"]);

/** Every file of the repository but what is installed or made by running it. */
export const allFiles: readonly string[] = listFiles(repositoryRoot);

export const sources: readonly Source[] = allFiles.filter((path) => path.endsWith(".ts")).map(readSource);

/** Packages and apps: folder → manifest. */
export const units: ReadonlyMap<string, Manifest> = new Map(
  allFiles
    .filter((path) => /^(packages|apps)\/[^/]+\/package\.json$/.test(path))
    .map((path) => [dirname(path), readManifest(path)]),
);

/** What a package exports, what an app starts with, and what the workshop runs. */
const entries = allFiles.filter((path) => {
  const manifest = units.get(path.split("/").slice(0, 2).join("/"));
  const exported = Object.values(manifest?.exports ?? {}).map((target) => join(unitOf(path), target));
  return (
    exported.includes(path) || /^apps\/[^/]+\/src\/main\.ts$|^deploy\/local\/.*(?<!\.test)\.ts$/.test(path)
  );
});

/** Product code: everything that an entry leads to. The rest runs in tests only. */
export const product: readonly Source[] = reachedFrom(
  entries.filter((path) => !path.startsWith("packages/testkit/")),
);

export function isProduct(source: Source): boolean {
  return product.includes(source);
}

export function read(path: string): string {
  return readFileSync(join(repositoryRoot, path), "utf8");
}

/** The file that a relative import names, from the repository's root; undefined when there is none. */
export function targetOf(source: Source, specifier: string): string | undefined {
  const path = join(dirname(source.path), specifier);
  return existsSync(join(repositoryRoot, path)) ? path : undefined;
}

/** `@scope/name` or `name` of a bare import. */
export function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** Line number and line of each match, for messages. */
export function linesMatching(text: string, pattern: RegExp): string[] {
  return text
    .split("\n")
    .flatMap((line, index) => (pattern.test(line) ? [`${index + 1}: ${line.trim()}`] : []));
}

function reachedFrom(start: readonly string[]): Source[] {
  const reached = new Set(start);
  // A set that grows while it is walked is walked to its end.
  for (const path of reached) {
    const source = sources.find((each) => each.path === path);
    for (const specifier of source?.imports ?? []) {
      const target = source === undefined ? undefined : targetOf(source, specifier);
      if (specifier.startsWith(".") && target !== undefined) reached.add(target);
    }
  }
  return sources.filter(({ path }) => reached.has(path));
}

function unitOf(path: string): string {
  return /^(packages|apps)\/[^/]+/.exec(path)?.[0] ?? "";
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return listFiles(path);
    return entry.isFile() ? [relative(repositoryRoot, path)] : [];
  });
}

function readSource(path: string): Source {
  const text = read(path);
  const code = withoutComments(text);
  const unit = unitOf(path);
  return { path, text, code, imports: importsOf(code), unit };
}

/** Strings are kept: an import's name is one. */
export function withoutComments(text: string): string {
  const tokens = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
  return text.replace(tokens, (token) => (token.startsWith("/") ? token.replace(/[^\n]/g, " ") : token));
}

/** Also the files that code names by URL beside itself: worker threads start that way. */
export function importsOf(code: string): string[] {
  const statements =
    /^\s*(?:import|export)\b[^;"'`]*?\bfrom\s*["']([^"']+)["']|^\s*import\s*["']([^"']+)["']/gm;
  const calls = /\bimport\s*\(\s*["']([^"']+)["']/g;
  const named = /\bnew URL\(\s*["'](\.[^"']+\.ts)["'],\s*import\.meta\.url/g;
  const found = [statements, calls, named].flatMap((pattern) => [...code.matchAll(pattern)]);
  return found.map((match) => match[1] ?? match[2] ?? "");
}

function readManifest(path: string): Manifest {
  const json = JSON.parse(read(path)) as {
    name: string;
    exports?: Record<string, string>;
    dependencies?: Record<string, string>;
    devDependencies?: Record<string, string>;
  };
  return {
    name: json.name,
    exports: json.exports ?? {},
    dependencies: new Set(Object.keys(json.dependencies ?? {})),
    devDependencies: new Set(Object.keys(json.devDependencies ?? {})),
  };
}
