// A real MCP server on the official SDK that writes down every tool call that it executes, one line of JSON each, before it answers:
// the ground truth of what ran. Run as a process: node recording-server.ts <log file>; prints its address.
import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { ErrorCode, McpError } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";

const [logFile = "/dev/null"] = process.argv.slice(2);
const executed = (tool: string, nonce: string) =>
  appendFileSync(logFile, `${JSON.stringify({ tool, nonce })}\n`);
const text = (value: string) => ({ content: [{ type: "text" as const, text: value }] });
const nonce = z.string();

function createToolServer(): McpServer {
  const server = new McpServer({ name: "recording", version: "1.0.0" }, { capabilities: { logging: {} } });
  server.registerTool("record", { description: "Answers at once.", inputSchema: { nonce } }, (input) => {
    executed("record", input.nonce);
    return text(`recorded ${input.nonce}`);
  });
  server.registerTool(
    "transfer",
    { description: "Moves an amount.", inputSchema: { nonce, amount: z.number() } },
    (input) => {
      executed("transfer", input.nonce);
      return text(`moved ${input.amount}`);
    },
  );
  server.registerTool(
    "measure",
    { description: "Tells the length of a text.", inputSchema: { nonce, value: z.string() } },
    (input) => {
      executed("measure", input.nonce);
      return text(String(input.value.length));
    },
  );
  server.registerTool(
    "break",
    { description: "Answers with a protocol error.", inputSchema: { nonce } },
    (input) => {
      executed("break", input.nonce);
      throw new McpError(ErrorCode.InternalError, "broken on purpose");
    },
  );
  server.registerTool(
    "forbidden",
    { description: "Nobody may call it.", inputSchema: { nonce } },
    (input) => {
      executed("forbidden", input.nonce);
      return text("should never be seen");
    },
  );
  server.registerTool(
    "progress",
    { description: "Reports three steps.", inputSchema: { nonce } },
    async (input, extra) => {
      executed("progress", input.nonce);
      const progressToken = extra._meta?.progressToken;
      for (let step = 1; step <= 3 && progressToken !== undefined; step++) {
        await extra.sendNotification({
          method: "notifications/progress",
          params: { progressToken, progress: step, total: 3 },
        });
      }
      return text("done");
    },
  );
  return server;
}

const transports = new Map<string, StreamableHTTPServerTransport>();

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const sessionId = request.headers["mcp-session-id"];
  const known = typeof sessionId === "string" ? transports.get(sessionId) : undefined;
  if (sessionId !== undefined && known === undefined) {
    response.writeHead(404).end();
    return;
  }
  const transport =
    known ??
    new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void transports.set(id, transport),
      onsessionclosed: (id) => void transports.delete(id),
    });
  if (known === undefined) await createToolServer().connect(transport as Parameters<McpServer["connect"]>[0]);
  await transport.handleRequest(request, response);
}

const server = createServer((request, response) => {
  handle(request, response).catch((caught) => {
    console.error(caught);
    if (!response.headersSent) response.writeHead(500).end();
  });
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(
    JSON.stringify({ url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/mcp` }),
  );
});
process.once("SIGTERM", () => process.exit(0));
