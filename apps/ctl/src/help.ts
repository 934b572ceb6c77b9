// Help texts, printed from the commands' own rows.
import { describeSettings } from "@postern/config";
import { columns } from "./columns.ts";
import type { Command, Option } from "./command.ts";
import { SETTINGS } from "./config.ts";

const EXIT_CODES = `Exit codes
  0  done, and the answer is yes
  1  the answer is no: a denied call, a broken chain, a failing policy
  2  the input cannot be used
  3  trouble: unreachable, not authenticated, or an error of ours`;

/** The page for `postern --help`. */
export function overview(commands: readonly Command[]): string {
  const rows = commands.map(({ name, summary }) => [`  postern ${name}`, summary]);
  return `postern: who may call which tool, and the proof of it

${columns(rows)}

  --json   print exactly one JSON value     --help   explain a command

${EXIT_CODES}

Settings (a flag wins over a variable; what is missing comes from the local stack's connection.json)
${describeSettings(SETTINGS)}`;
}

/** The page for `postern <command> --help`. */
export function commandHelp(command: Command): string {
  const { name, summary, usage, options, details, example } = command;
  const rows = Object.entries(options).map(([flag, option]) => [
    `  --${flag}${placeholder(option)}`,
    describe(option),
  ]);
  const parts = [
    `postern ${name} ${usage}`.trimEnd(),
    summary + (details === undefined ? "" : `\n${details}`),
    ...(rows.length > 0
      ? [`Options\n${columns([...rows, ["  --json", "Print exactly one JSON value."]])}`]
      : []),
    `Example\n  ${example}`,
    EXIT_CODES,
  ];
  return parts.join("\n\n");
}

function placeholder(option: Option): string {
  return option.value === undefined ? "" : ` ${option.value}`;
}

function describe(option: Option): string {
  const notes = [option.required ? "required" : "", option.multiple ? "may be given several times" : ""];
  const told = notes.filter((note) => note !== "").join("; ");
  return told === "" ? option.description : `${option.description} (${told})`;
}
