// A command is a row of data: its name, what it takes, an example, and the one function it runs.
import { parseArgs } from "node:util";
import { Fault } from "@postern/fault";
import type { World } from "./world.ts";

export interface Option {
  readonly description: string;
  /** Name of the value in the help text; absent = the option is a switch. */
  readonly value?: string;
  readonly multiple?: true;
  readonly required?: true;
}
export type Options = Readonly<Record<string, Option>>;

type ValueOf<O extends Option> = O extends { value: string }
  ? O extends { multiple: true }
    ? readonly string[]
    : O extends { required: true }
      ? string
      : string | undefined
  : boolean;
export type Values<O extends Options> = { readonly [K in keyof O]: ValueOf<O[K]> };

export interface Input<O extends Options> {
  readonly options: Values<O>;
  readonly positionals: readonly string[];
  /** Whether exactly one JSON value is expected on standard output. */
  readonly json: boolean;
}

/** What a command has to say. `ok: false` = the answer is no (exit code 1). `printed` = standard output was written already. */
export interface Outcome {
  readonly ok: boolean;
  /** For `--json`, as `JSON.stringify` writes it. */
  readonly json: unknown;
  readonly text: string;
  readonly printed?: true;
}

export interface CommandSpec<O extends Options> {
  /** One or two words. */
  readonly name: string;
  readonly summary: string;
  /** How positional arguments are written in the help text. */
  readonly usage: string;
  readonly positionals: { readonly min: number; readonly max: number };
  readonly options: O;
  readonly details?: string;
  readonly example: string;
  run(input: Input<O>, world: World): Promise<Outcome>;
}

export interface Command extends Omit<CommandSpec<Options>, "run"> {
  /** Parses the arguments that follow the name, and runs. Raises Fault invalid "ctl.usage". */
  execute(args: readonly string[], world: World, json: boolean): Promise<Outcome>;
}

/** A command whose option types were checked where it was written. */
export function command<const O extends Options>(spec: CommandSpec<O>): Command {
  const { run, ...described } = spec;
  return {
    ...described,
    async execute(args, world, json) {
      const { values, positionals } = parse(spec, args);
      const { min, max } = spec.positionals;
      if (positionals.length < min || positionals.length > max)
        throw usage(`expected: postern ${spec.name} ${spec.usage}`);
      const options: Record<string, unknown> = {};
      for (const [name, option] of Object.entries<Option>(spec.options)) {
        const value = values[name];
        if (option.required && value === undefined) throw usage(`--${name} is required`);
        options[name] = value ?? (option.value === undefined ? false : option.multiple ? [] : undefined);
      }
      return run({ options: options as Values<O>, positionals, json }, world);
    },
  };
}

/** Raises Fault invalid "ctl.usage". */
function parse(spec: { readonly options: Options }, args: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(spec.options).map(([name, option]) => [
      name,
      {
        type: option.value === undefined ? ("boolean" as const) : ("string" as const),
        multiple: option.multiple ?? false,
      },
    ]),
  );
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (caught) {
    throw usage(caught instanceof Error ? caught.message : String(caught));
  }
}

export function usage(message: string): Fault {
  return new Fault("invalid", "ctl.usage", message);
}
