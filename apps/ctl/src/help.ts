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

const CONNECTION = `Where to go, and with which token
  A flag wins over a variable. With neither, address, token and tenant come from the connection.json of a local \`npm start\`.
  An address never takes its token from that file, nor an admin token its address: give both, or neither.
  A capability token (\`call\`) alone goes to the local sidecar.`;

/** The page for `postern --help`. */
export function overview(commands: readonly Command[]): string {
  const rows = commands.map(({ name, summary }) => [`  postern ${name}`, summary]);
  return `postern: who may call which tool, and the proof of it

${columns(rows)}

  --json   print exactly one JSON value     --help   explain a command     --version   print the version

${EXIT_CODES}

${CONNECTION}

Settings
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
