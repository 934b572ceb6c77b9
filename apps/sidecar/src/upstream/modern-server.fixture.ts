// A tool server of the stateless era over stdio, built with the official SDK; run as a program of its own.
import { fileURLToPath } from "node:url";
import { McpServer } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { z } from "zod";

export const MODERN_SERVER_COMMAND = [process.execPath, fileURLToPath(import.meta.url)] as const;

function createServer(): McpServer {
  const server = new McpServer(
    { name: "modern", version: "1" },
    { capabilities: { tools: { listChanged: true } } },
  );
  server.registerTool("echo", { inputSchema: z.object({ text: z.string() }) }, async ({ text }) => ({
    content: [{ type: "text", text: `${process.pid}:${text}` }],
  }));
  server.registerTool(
    "steps",
    { inputSchema: z.object({ text: z.string() }) },
    async ({ text }, { mcpReq }) => {
      const progressToken = mcpReq._meta?.progressToken;
      for (const progress of [1, 2, 3]) {
        if (progressToken === undefined) break;
        await mcpReq.notify({
          method: "notifications/progress",
          params: { progressToken, progress, message: text },
        });
      }
      return { content: [{ type: "text", text }] };
    },
  );
  server.registerTool("wait", { inputSchema: z.object({}) }, async (_args, { mcpReq }) => {
    await new Promise((resolve) => mcpReq.signal.addEventListener("abort", resolve, { once: true }));
    process.stderr.write("cancelled\n");
    return { content: [] };
  });
  return server;
}

if (import.meta.main) serveStdio(createServer);
