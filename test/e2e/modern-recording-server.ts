// A real MCP server of 2026-07-28 on the official SDK that writes down each payment before it answers, one line of JSON with all that reached it.
// Run as a process: node modern-recording-server.ts <log file>; prints its address.
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";

const [logFile = "/dev/null"] = process.argv.slice(2);

function createPaymentServer(): McpServer {
  const server = new McpServer({ name: "payments", version: "1.0.0" });
  const inputSchema = z.object({ nonce: z.string(), amount: z.number() });
  server.registerTool(
    "pay",
    { description: "Pays an amount.", inputSchema },
    ({ nonce, amount }, { mcpReq }) => {
      const { inputResponses } = mcpReq;
      appendFileSync(
        logFile,
        `${JSON.stringify({ nonce, inputResponses, state: mcpReq.requestState() ?? null })}\n`,
      );
      return { content: [{ type: "text", text: `paid ${amount}` }] };
    },
  );
  return server;
}

const handle = toNodeHandler(createMcpHandler(createPaymentServer, { legacy: "reject" }));
const server = createServer((request, response) => {
  // The SDK declares headers as never undefined, which Node does not promise.
  void handle(request as Parameters<typeof handle>[0], response);
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  console.log(JSON.stringify({ url: `http://127.0.0.1:${port}/mcp` }));
});
process.once("SIGTERM", () => process.exit(0));
