// What a start says once everything is up: where things are, and three calls that show what the door does.
import { join } from "node:path";
import { UNCOVERED_TOOL } from "./provision.ts";

/** The token as a header for `curl -H @file`: short to paste, and in no shell's history. */
export const HEADER_FILE = "authorization.header";

/** The line that `--json` prints, and the content of connection.json. */
export interface Connection {
  readonly mcp_url: string;
  readonly tool_call_url: string;
  readonly admin_url: string;
  readonly admin_token: string;
  readonly capability_token: string;
  readonly tenant: string;
  readonly data_dir: string;
}

export function welcomeText(connection: Connection): string {
  const { mcp_url, tool_call_url, admin_url, capability_token, data_dir, tenant } = connection;
  const client = {
    mcpServers: {
      everything: { type: "http", url: mcp_url, headers: { Authorization: `Bearer ${capability_token}` } },
    },
  };
  return `
Postern is running.

  MCP            ${mcp_url}
  single calls   ${tool_call_url}
  control plane  ${admin_url}  (tenant ${tenant})
  data           ${data_dir}  (tokens: connection.json, records: logs/)

Configuration for an MCP client:

${indent(JSON.stringify(client, undefined, 2))}

Three calls. One that is allowed:

${curl(connection, "echo", { message: "hello" })}

One that the token does not cover:

${curl(connection, UNCOVERED_TOOL, {})}

One that the tenant's policy denies:

${curl(connection, "get-env", {})}

Ctrl-C ends everything.
`;
}

export const helpText = `npm start [-- --json] [-- --help]

Starts a control plane, a sidecar and a public MCP server behind it, with a tenant "demo", a policy and a token, and prints how to use them.

  --json    print one line of JSON instead, once everything is ready

  POSTERN_DATA_DIR      where everything is kept from start to start (default .postern/data in the repository)
  POSTERN_PORT          port of the control plane (default 8080); 0 = any free one
  POSTERN_SIDECAR_PORT  port of the sidecar (default 8081); 0 = any free one
  POSTERN_UPSTREAM_URL, POSTERN_UPSTREAM_COMMAND, POSTERN_UPSTREAMS
                        another tool server than the public one
  Every other setting of the two programs works as well: see their own --help.
`;

function curl({ tool_call_url, data_dir }: Connection, name: string, args: object): string {
  const body = JSON.stringify({
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: { name, arguments: args },
  });
  return `  curl -sS ${tool_call_url} -H 'Content-Type: application/json' -H '@${join(data_dir, HEADER_FILE)}' -d '${body}'`;
}

const indent = (text: string) => text.replace(/^/gm, "  ");
