// Which scenarios are run: every server scenario of both referees in both protocol eras, and every client scenario that is not about
// the harness's own authorization server, which knows its own address and so cannot be stood before.
import { fileURLToPath } from "node:url";

export interface Suite {
  readonly name: string;
  /** server: the suite plays the client · client: it plays the server, and judges the client that a command starts. */
  readonly side: "server" | "client";
  /** Path of the suite's program. */
  readonly program: string;
  /** Arguments of one run of the program each. */
  readonly runs: readonly (readonly string[])[];
}

const NEWEST = fileURLToPath(import.meta.resolve("@modelcontextprotocol/conformance/dist/index.js"));
const STABLE = fileURLToPath(import.meta.resolve("mcp-conformance-0.1/dist/index.js"));

export const SUITES: readonly Suite[] = [
  server("0.1.16 active", STABLE),
  server("2025-03-26", NEWEST, "--suite", "all", "--spec-version", "2025-03-26"),
  server("2025-06-18", NEWEST, "--suite", "all", "--spec-version", "2025-06-18"),
  server("2025-11-25", NEWEST, "--requirements", "2025-11-25"),
  server("2026-07-28", NEWEST, "--requirements", "2026-07-28"),
  client("2025-11-25", [
    "initialize",
    "tools_call",
    "elicitation-sep1034-client-defaults",
    "sse-retry",
    "json-schema-2020-12-preservation",
  ]),
  client("2026-07-28", [
    "tools_call",
    "request-metadata",
    "sep-2322-client-request-state",
    "http-standard-headers",
    "http-custom-headers",
    "http-invalid-tool-headers",
    "json-schema-ref-no-deref",
    "json-schema-2020-12-preservation",
  ]),
];

function server(name: string, program: string, ...args: string[]): Suite {
  return { name, side: "server", program, runs: [args] };
}

function client(version: string, scenarios: readonly string[]): Suite {
  const runs = scenarios.map((scenario) => ["--scenario", scenario, "--spec-version", version]);
  return { name: `client ${version}`, side: "client", program: NEWEST, runs };
}
