// The policy that a fresh tenant starts with, as the Rego text that is compiled, shown and edited.
import { readFileSync } from "node:fs";

/** Text of default/policy.rego. */
export const DEFAULT_POLICY: string = readFileSync(
  new URL("../default/policy.rego", import.meta.url),
  "utf8",
);
