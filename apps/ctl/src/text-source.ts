// Texts that a command takes: given outright, by file, or by "-" from standard input.
import { readFile } from "node:fs/promises";
import { Fault } from "@postern/fault";
import type { World } from "./world.ts";

const STDIN_BYTES_MAX = 1_048_576;

/** The text itself, or standard input for "-", without blanks around it. Raises Fault invalid "ctl.input". */
export async function textOrStdin(argument: string, world: World): Promise<string> {
  if (argument !== "-") return argument.trim();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of world.stdin) {
    size += chunk.byteLength;
    if (size > STDIN_BYTES_MAX)
      throw new Fault("invalid", "ctl.input", `Standard input is larger than ${STDIN_BYTES_MAX} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString().trim();
}

/** The file's text. Raises Fault invalid "ctl.file". */
export async function fileText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (caught) {
    throw fileFault(path, caught);
  }
}

export function fileFault(path: string, caught: unknown): Fault {
  const why = caught instanceof Error && "code" in caught ? String(caught.code) : String(caught);
  return new Fault("invalid", "ctl.file", `${path} cannot be used (${why}).`, { cause: caught });
}
