// The policy that a fresh tenant starts with, as the Rego text that is compiled, shown and edited. It is entered by itself, so that
// whoever only evaluates policies needs no such file.
import { readFileSync } from "node:fs";

/** Text of default/policy.rego. */
export function readDefaultPolicy(): string {
  return readFileSync(new URL("../default/policy.rego", import.meta.url), "utf8");
}
