// What a policy may use: the builtins that run inside the WebAssembly module itself (plus `sprintf`, which the evaluator lends it)
// and give the same answer every time. Anything else, such as http.send or time.now_ns, is an error of the compiler.
// Time, budget and identity come in `input` instead, so that a decision can be replayed from its record.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** OPA capabilities file, as `opa build --capabilities` takes it. */
export const CAPABILITIES_PATH: string = fileURLToPath(new URL("../capabilities.json", import.meta.url));

/** SHA-256 of the capabilities file, which each bundle names. */
export async function capabilitiesSha256(): Promise<string> {
  return createHash("sha256")
    .update(await readFile(CAPABILITIES_PATH))
    .digest("hex");
}
