// Where the time went, out of the .cpuprofile files that a profiled run leaves: functions by their own time, and the files they are in.
// Samples are counted instead of their times added up, because a process that was stopped in between has one sample of that whole time.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { repositoryRoot } from "@postern/testkit";
import { printTable } from "./table.ts";

interface CallFrame {
  readonly functionName: string;
  /** "" of what is not JavaScript. */
  readonly url: string;
  readonly lineNumber: number;
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: CallFrame;
  readonly children?: readonly number[];
}

/** As V8 writes it: node ids, one for each sample. */
interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
}

/** What a profile counts besides work. */
const WAITING = new Set(["(idle)", "(root)"]);
const FUNCTIONS_MAX = 25;
const FILES_MAX = 20;

/** Every profile in the folder and in those within it, the one with most samples of each folder only: that is its main thread. */
export function summarize(folder: string): string {
  const entries = readdirSync(folder).map((name) => join(folder, name));
  const inner = entries.filter((path) => statSync(path).isDirectory()).map(summarize);
  const profiles = entries.filter((path) => path.endsWith(".cpuprofile")).map(readProfile);
  const main = profiles.toSorted((a, b) => busyIn(b) - busyIn(a))[0];
  const own = main === undefined ? [] : [`${basename(folder)}, main thread\n\n${tablesOf(main)}`];
  return [...own, ...inner].filter((text) => text !== "").join("\n\n\n");
}

const readProfile = (path: string): Profile => JSON.parse(readFileSync(path, "utf8")) as Profile;

function tablesOf(profile: Profile): string {
  const functions = new Map<string, number>();
  const files = new Map<string, number>();
  const charged = new Map<string, number>();
  const parts = new Map<string, number>();
  const stacks = stacksOf(profile);
  let busy = 0;
  for (const id of profile.samples) {
    const stack = stacks(id);
    const [own] = stack;
    if (own === undefined || WAITING.has(own.functionName)) continue;
    busy += 1;
    const caller = stack.find(({ url }) => url !== "");
    const place = own.url === "" ? (caller === undefined ? "" : `← ${nameOf(caller)}`) : placeOf(own);
    add(functions, `${own.functionName || "(anonymous)"}  ${place}`);
    add(files, own.url === "" ? "(native)" : fileOf(own.url));
    const answerable = stack.find(({ url }) => isOurs(url)) ?? stack.at(-1) ?? own;
    add(charged, nameOf(answerable));
    add(parts, partOf(stack));
  }
  const table = (title: string, counts: ReadonlyMap<string, number>, most: number) => {
    const rows = [...counts].sort(([, a], [, b]) => b - a).slice(0, most);
    const shares = rows.map(([name, count]) => [name, `${((100 * count) / busy).toFixed(1)} %`]);
    return printTable([[title, "share"], ...shares]);
  };
  return [
    table("own time by function", functions, FUNCTIONS_MAX),
    table("own time by file", files, FILES_MAX),
    table("time by our nearest function, or where the stack begins", charged, FUNCTIONS_MAX),
    table("time by part of the product, and what lies outside of it", parts, FILES_MAX),
  ].join("\n\n");
}

/** Frames of a sample, innermost first, without the root. */
function stacksOf({ nodes }: Profile): (id: number) => readonly CallFrame[] {
  const frames = new Map(nodes.map(({ callFrame, id }) => [id, callFrame]));
  const parents = new Map(nodes.flatMap(({ children = [], id }) => children.map((child) => [child, id])));
  const known = new Map<number, readonly CallFrame[]>();
  const stackOf = (id: number): readonly CallFrame[] => {
    const found = known.get(id);
    if (found !== undefined) return found;
    const stack: CallFrame[] = [];
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const frame = frames.get(at);
      if (frame !== undefined && parents.has(at)) stack.push(frame);
    }
    known.set(id, stack);
    return stack;
  };
  return stackOf;
}

function busyIn({ nodes, samples }: Profile): number {
  const idle = new Set(
    nodes.filter(({ callFrame }) => WAITING.has(callFrame.functionName)).map(({ id }) => id),
  );
  return samples.filter((id) => !idle.has(id)).length;
}

/** A package, a folder or file of an app; or what serves it: undici, Node's own code, or nothing that can be named. */
function partOf(stack: readonly CallFrame[]): string {
  const ours = stack.find(({ url }) => isOurs(url));
  if (ours !== undefined)
    return /^(?:packages\/[^/]+|apps\/[^/]+\/src\/[^/]+|.*)/.exec(fileOf(ours.url))?.[0] ?? "";
  if (stack.some(({ url }) => url.includes("/node_modules/undici/"))) return "undici";
  if (stack.some(({ url }) => url.startsWith("node:internal/modules/"))) return "loading modules";
  return stack.some(({ url }) => url !== "")
    ? "node:http, sockets, timers"
    : (stack.at(-1)?.functionName ?? "");
}

const isOurs = (url: string): boolean =>
  url.startsWith(`file://${repositoryRoot}/`) && !url.includes("/node_modules/");
const placeOf = ({ lineNumber, url }: CallFrame): string => `${fileOf(url)}:${lineNumber + 1}`;
const nameOf = (frame: CallFrame): string =>
  `${frame.functionName || "(anonymous)"}  ${frame.url === "" ? "" : placeOf(frame)}`;

/** As short as it is plain: from the repository's root, or from a package's. */
function fileOf(url: string): string {
  const path = url.replace(/^file:\/\//, "").replace(/\?.*$/, "");
  const dependency = /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+\/.*)$/.exec(path)?.[1];
  return dependency ?? path.replace(`${repositoryRoot}/`, "");
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
