// Environment → frozen, typed configuration. One table per app is the only place where a name, a default or a description stands;
// `--help` and the reference page are printed from the same rows.
import { readFileSync } from "node:fs";
import { Fault } from "@postern/fault";
import type { z } from "zod";

export interface Setting<T> {
  /** Environment variable; `<env>_FILE` is read too and names a file that holds the value. */
  readonly env: string;
  /** Names of other products' documents that are accepted as well. */
  readonly aliases?: readonly string[];
  readonly description: string;
  /** From the variable's text to the value. */
  readonly schema: z.ZodType<T, string>;
  /** Text used when the variable is unset; without it and without `optional` the setting is required. */
  readonly default?: string;
  readonly optional?: true;
}

// biome-ignore lint/suspicious/noExplicitAny: a row's value type is recovered by inference in ConfigOf.
export type Settings = Readonly<Record<string, Setting<any>>>;
export type ConfigOf<S extends Settings> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T>
    ? S[K] extends { optional: true }
      ? T | undefined
      : T
    : never;
};

/** Types a row; keeps `optional` visible to ConfigOf. */
export function setting<T, const R extends Omit<Setting<T>, "schema">>(
  row: R,
  schema: z.ZodType<T, string>,
): R & { readonly schema: z.ZodType<T, string> } {
  return { ...row, schema };
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface LoadedConfig<S extends Settings> {
  readonly config: ConfigOf<S>;
  /** Variables that look like ours but are no setting of this app: worth a warning, since a typo hides there. */
  readonly unknown: readonly string[];
}

/**
 * @throws Fault invalid "config.invalid": every wrong or missing setting, one per line, never with the value of a secret.
 */
export function loadConfig<S extends Settings>(
  settings: S,
  environment: Environment,
  prefix = "POSTERN_",
): LoadedConfig<S> {
  const problems: string[] = [];
  const known = new Set<string>();
  const entries = Object.entries(settings).map(([key, row]) => {
    for (const name of namesOf(row)) known.add(name);
    return [key, readSetting(row, environment, problems)] as const;
  });
  if (problems.length > 0) {
    throw new Fault(
      "invalid",
      "config.invalid",
      `The configuration cannot be used:\n${problems.map((line) => `  ${line}`).join("\n")}`,
    );
  }
  const unknown = Object.keys(environment).filter((name) => name.startsWith(prefix) && !known.has(name));
  return { config: Object.freeze(Object.fromEntries(entries)) as ConfigOf<S>, unknown: unknown.sort() };
}

function readSetting(row: Setting<unknown>, environment: Environment, problems: string[]): unknown {
  const found = findText(row, environment, problems);
  const value = found?.text ?? row.default;
  if (value === undefined) {
    if (row.optional !== true) problems.push(`${row.env} is required: ${row.description}`);
    return undefined;
  }
  const parsed = row.schema.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) problems.push(`${found?.name ?? row.env} ${issue.message}`);
  return undefined;
}

function findText(
  row: Setting<unknown>,
  environment: Environment,
  problems: string[],
): { name: string; text: string } | undefined {
  for (const name of namesOf(row)) {
    const value = environment[name];
    // An empty variable is how shells and charts spell "unset".
    if (value === undefined || value === "") continue;
    if (!name.endsWith("_FILE") || name === row.env) return { name, text: value };
    try {
      return { name, text: readFileSync(value, "utf8").replace(/\r?\n$/, "") };
    } catch (caught) {
      problems.push(
        `${name} names a file that cannot be read (${(caught as NodeJS.ErrnoException).code ?? "unknown"}): ${value}`,
      );
      return undefined;
    }
  }
  return undefined;
}

function namesOf(row: Setting<unknown>): string[] {
  return [row.env, ...(row.aliases ?? [])].flatMap((name) => [name, `${name}_FILE`]);
}

/** The settings as text for `--help`: name, default, description. */
export function describeSettings(settings: Settings): string {
  return Object.values(settings)
    .map((row) => {
      const state =
        row.default !== undefined
          ? `default ${row.default === "" ? '""' : row.default}`
          : row.optional
            ? "optional"
            : "required";
      const also = row.aliases === undefined ? "" : `\n      also read from ${row.aliases.join(", ")}`;
      return `  ${row.env}  (${state})\n      ${row.description}${also}`;
    })
    .join("\n");
}
