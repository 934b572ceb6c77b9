// From arguments to exit code. Whatever happens, `--json` prints exactly one JSON value, and the exit code says what kind of answer it is.

import type { FaultKind } from "@postern/contracts";
import { type Fault, toFault } from "@postern/fault";
import manifest from "../package.json" with { type: "json" };
import { type Command, type Outcome, usage } from "./command.ts";
import { COMMANDS } from "./commands/index.ts";
import { commandHelp, overview } from "./help.ts";
import type { World } from "./world.ts";

const EXIT = { ok: 0, no: 1, input: 2, trouble: 3 } as const;

const EXIT_BY_KIND = {
  invalid: EXIT.input,
  not_found: EXIT.input,
  conflict: EXIT.input,
  precondition: EXIT.input,
  too_large: EXIT.input,
  unauthenticated: EXIT.trouble,
  forbidden: EXIT.trouble,
  limited: EXIT.trouble,
  upstream: EXIT.trouble,
  unavailable: EXIT.trouble,
  internal: EXIT.trouble,
} as const satisfies Record<FaultKind, number>;

const GLOBAL_FLAGS = ["--json", "--help", "-h"];

/** Runs one command line (without the program's name) and returns the exit code. */
export async function run(argv: readonly string[], world: World): Promise<number> {
  const { args, json, help } = splitGlobalFlags(argv);
  try {
    if (args.length === 1 && args[0] === "--version")
      return await tell(world, json, versionOf(manifest.version));
    const found = findCommand(args);
    if (found === undefined && (help || args.length === 0)) return await tell(world, json, helpOf(undefined));
    if (found === undefined)
      throw usage(`there is no command "${args.slice(0, 2).join(" ")}"; try postern --help`);
    if (help) return await tell(world, json, helpOf(found.command));
    return await tell(world, json, await found.command.execute(found.rest, world, json));
  } catch (caught) {
    return await complain(world, json, toFault(caught));
  }
}

async function tell(world: World, json: boolean, outcome: Outcome): Promise<number> {
  if (outcome.printed !== true)
    await world.print(json ? `${JSON.stringify(outcome.json)}\n` : `${outcome.text.trimEnd()}\n`);
  return outcome.ok ? EXIT.ok : EXIT.no;
}

async function complain(world: World, json: boolean, fault: Fault): Promise<number> {
  const { kind, code, message, detail } = fault;
  const error = { kind, code, message };
  if (json) await world.print(`${JSON.stringify({ error })}\n`);
  else world.complain(`postern: ${message}`);
  // Nobody else keeps a log of this process, so what went wrong inside is told here.
  if (kind === "internal" && detail !== undefined) world.complain(`postern: ${detail}`);
  return EXIT_BY_KIND[kind];
}

/** `--json` and `--help` may stand anywhere before a lone `--`. */
function splitGlobalFlags(argv: readonly string[]) {
  const end = argv.indexOf("--");
  const ours = end < 0 ? argv : argv.slice(0, end);
  return {
    json: ours.includes("--json"),
    help: ours.includes("--help") || ours.includes("-h"),
    args: [...ours.filter((arg) => !GLOBAL_FLAGS.includes(arg)), ...(end < 0 ? [] : argv.slice(end))],
  };
}

function findCommand(args: readonly string[]): { command: Command; rest: readonly string[] } | undefined {
  for (const words of [2, 1]) {
    const name = args.slice(0, words).join(" ");
    const command = COMMANDS.find((one) => one.name === name);
    if (command !== undefined) return { command, rest: args.slice(words) };
  }
  return undefined;
}

function helpOf(command: Command | undefined): Outcome {
  const text = command === undefined ? overview(COMMANDS) : commandHelp(command);
  return { ok: true, json: { help: text }, text };
}

function versionOf(version: string): Outcome {
  return { ok: true, json: { version }, text: `postern ${version}` };
}
