// What another language's parser makes of the bytes that the sidecar let through. Without Python there is no second opinion, which is said.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { JsonObject } from "@postern/contracts";

/** Undefined for a body that the second reader refuses. */
export type Reading =
  | { readonly method: string; readonly name: string | null; readonly args: JsonObject }
  | undefined;

const SCRIPT = fileURLToPath(new URL("./second-reader.py", import.meta.url));

/** One reading for each body; undefined when there is no Python here. */
export function readAgain(bodies: readonly Uint8Array[]): Reading[] | undefined {
  const input = bodies.map((body) => Buffer.from(body).toString("base64")).join("\n");
  const { error, status, stdout, stderr } = spawnSync("python3", [SCRIPT], {
    input: `${input}\n`,
    encoding: "utf8",
    maxBuffer: 256 * 1_048_576,
  });
  if (error !== undefined) return undefined;
  if (status !== 0) throw new Error(`the second reader failed: ${stderr}`);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => {
      const reading = JSON.parse(line) as [string, string | null, JsonObject] | null;
      return reading === null ? undefined : { method: reading[0], name: reading[1], args: reading[2] };
    });
}
