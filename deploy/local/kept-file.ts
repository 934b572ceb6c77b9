// Small files that a start leaves for the next one. They hold secrets, so only their owner may read them, and they are replaced whole.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Undefined when there is none. @throws when there is one that is no JSON object. */
export function readKept(file: string): Readonly<Record<string, unknown>> | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw caught;
  }
  return JSON.parse(text) as Record<string, unknown>;
}

export function writeKept(file: string, value: object): void {
  writePrivate(file, `${JSON.stringify(value, undefined, 2)}\n`);
}

export function writePrivate(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.new`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, file);
}
