// What others' code asks of whoever passes it on: name, version and licence text of each package of which something is in a bundle.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

const RULE = `\n${"-".repeat(80)}\n`;

/** `inputs` are source files, from `root`. Packages of this repository are left out: its own licence is theirs. */
export function licencesOf(root: string, inputs: readonly string[]): string {
  const folders = new Set(inputs.flatMap((input) => packageFolder(root, input) ?? []));
  const texts = [...folders].map(noticeOf);
  return `${[...new Set(texts)].sort().join(RULE)}\n`;
}

/** The folder of the installed package that a file belongs to. */
function packageFolder(root: string, input: string): string | undefined {
  const match = /^(?:[a-z-]+:)?(.*[\\/]?node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/.exec(input)?.[1];
  return match === undefined ? undefined : join(root, match);
}

function noticeOf(folder: string): string {
  const { name, version, license } = JSON.parse(
    readFileSync(join(folder, "package.json"), "utf8"),
  ) as Manifest;
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying)(\.|-|$)/i.test(file));
  const texts = files.sort().map((file) => readFileSync(join(folder, file), "utf8").trim());
  return [`${name} ${version} (${license ?? "no licence named"})`, ...texts].join("\n\n");
}
