// What a start says once everything is up: what to paste into a client, three calls that show what the door does, and where things are.
// The token is long, so it stands where it must and nowhere else.
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
  const { mcp_url, admin_url, capability_token, data_dir, tenant } = connection;
  const client = {
    mcpServers: {
      everything: { type: "http", url: mcp_url, headers: { Authorization: `Bearer ${capability_token}` } },
    },
  };
  return `
Postern is running; Ctrl-C ends it. For an MCP client:

${JSON.stringify(client, undefined, 2)}

Three calls: one that is allowed, one that the token does not cover, one that the policy denies:

${curl(connection, "echo", { message: "hello" })}
${curl(connection, UNCOVERED_TOOL, {})}
${curl(connection, "get-env", {})}

Control plane  ${admin_url}  (tenant ${tenant})
Data and logs  ${data_dir}
Command line   npm run postern -- --help
Next           docs/quickstart.md
`;
}

function curl({ tool_call_url, data_dir }: Connection, name: string, args: object): string {
  const body = JSON.stringify({
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: { name, arguments: args },
  });
  return `curl -sS ${tool_call_url} -H 'Content-Type: application/json' -H '@${join(data_dir, HEADER_FILE)}' -d '${body}'`;
}
