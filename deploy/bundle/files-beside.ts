// What code finds by its own address is not where it was once the code is bundled: worker threads, packages that are loaded late, files. Each is
// noted while the sources are read, and the code is pointed to where it will lie beside the bundle. Code that finds something in any
// other way is refused, so that a bundle never lacks what its sources had.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import type { Plugin } from "esbuild";

export interface FilesBeside {
  /** Source of a worker thread → name of its bundle. */
  readonly workers: Map<string, string>;
  /** A package that is a file of its own, because it is loaded when it is first needed → the folder that it is looked up from. */
  readonly latePackages: Map<string, string>;
  /** File or folder → where it will lie, from the bundle's folder. */
  readonly copies: Map<string, string>;
}

const OUR_SOURCES = /[\\/](?:apps|packages)[\\/][\w-]+[\\/]src[\\/].*\.ts$/;
const PACKAGE_SOURCES = /[\\/]node_modules[\\/].*\.m?js$/;

const BY_URL = /new URL\(\s*"(\.[^"]+)",\s*import\.meta\.url,?\s*\)/g;
const BY_FOLDER =
  /join\(\s*(?:import\.meta\.dirname|dirname\(fileURLToPath\(import\.meta\.url\)\)),((?:\s*"[^"]+",?)+)\s*\)/g;
/** A file of a package, by its name. */
const BY_NAME = /import\.meta\.resolve\("([^".][^"]*)"\)/g;
const LATE_LOADER = /const (\w+) = createRequire\(import\.meta\.url\);/;
const LATE_AT_ONCE = /createRequire\(import\.meta\.url\)\("([^"]+)"\)/g;

/** What our rewritten sources may still say. */
const FOLLOWED =
  /createRequire\(import\.meta\.url\)|new URL\("\.\/[^"]+", import\.meta\.url\)|join\(import\.meta\.dirname, "[^"]+"\)/g;

/** Where programs keep what they make as they run: found from the root, as the sources find it, and never copied. */
const MADE_BY_RUNNING = ".postern";

export const emptyFilesBeside = (): FilesBeside => ({
  workers: new Map(),
  latePackages: new Map(),
  copies: new Map(),
});

/** Name of the file that a late package is bundled into. */
export const lateFileName = (name: string): string =>
  `${name.replace(/^@|\.js$/g, "").replaceAll("/", "-")}.cjs`;

/** Notes in `found`, by absolute paths, what the sources find by their own address. `rewrite` has each source of ours first. */
export function filesBeside(root: string, found: FilesBeside, rewrite: (text: string) => string): Plugin {
  return {
    name: "files-beside",
    setup(build) {
      build.onLoad({ filter: OUR_SOURCES }, ({ path }) => {
        const text = rewrite(readFileSync(path, "utf8"));
        const contents = text.includes("import.meta.") ? relocated(text, { path, root, found }) : text;
        return { contents, loader: "ts" };
      });
      build.onLoad({ filter: PACKAGE_SOURCES }, ({ path }) => {
        noteOwnFiles(path, found);
        return undefined;
      });
    },
  };
}

interface Place {
  readonly path: string;
  readonly root: string;
  readonly found: FilesBeside;
}

function relocated(text: string, place: Place): string {
  const loader = LATE_LOADER.exec(text)?.[1];
  const lateLoads = loader === undefined ? LATE_AT_ONCE : new RegExp(`\\b${loader}\\("([^"]+)"\\)`, "g");
  const moved = text
    .replace(BY_URL, (_, target: string) => `new URL("./${placeBeside(target, place)}", import.meta.url)`)
    .replace(BY_FOLDER, (_, names: string) => {
      const target = join(...names.matchAll(/"([^"]+)"/g).map(([, name = ""]) => name));
      return `join(import.meta.dirname, "${placeBeside(target, place)}")`;
    })
    .replace(BY_NAME, (_, name: string) => {
      place.found.copies.set(createRequire(place.path).resolve(name), `files/${name}`);
      return `new URL("./files/${name}", import.meta.url).href`;
    })
    .replace(lateLoads, (call: string, name: string) => {
      place.found.latePackages.set(name, dirname(place.path));
      return call.replace(name, `./${lateFileName(name)}`);
    });
  if (moved.replace(FOLLOWED, "").includes("import.meta."))
    throw new Error(`${place.path} finds something in a way that no bundle can follow`);
  return moved;
}

/** Where what `target` names will lie, from the bundle's folder. */
function placeBeside(target: string, { path, root, found }: Place): string {
  const source = join(dirname(path), target);
  const fromRoot = relative(root, source).replaceAll("\\", "/");
  if (fromRoot.startsWith(MADE_BY_RUNNING)) return `../../${fromRoot}`;
  if (source.endsWith(".ts")) {
    const name = fromRoot.slice(fromRoot.lastIndexOf("/") + 1, -".ts".length);
    found.workers.set(source, name);
    return `${name}.mjs`;
  }
  found.copies.set(source, `files/${fromRoot}`);
  return `files/${fromRoot}`;
}

/** A package that names files of its own goes on finding them beside it, under their names. */
function noteOwnFiles(path: string, { copies }: FilesBeside): void {
  for (const [, target = ""] of readFileSync(path, "utf8").matchAll(BY_URL)) {
    const file = join(dirname(path), target);
    if (existsSync(file)) copies.set(file, target);
  }
}
