// The passthrough that most would write first: Hono before, fetch behind. Kept to show what that comfort costs.
import { serve } from "@hono/node-server";
import { Hono } from "hono";

const upstream = process.argv[2] ?? "";
const app = new Hono();
app.all("*", async ({ req }) => {
  const headers = new Headers({
    accept: "application/json, text/event-stream",
    "content-type": "application/json",
  });
  for (const name of ["mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name"]) {
    const value = req.header(name);
    if (value !== undefined) headers.set(name, value);
  }
  const body = req.method === "POST" ? await req.arrayBuffer() : null;
  const answer = await fetch(upstream, { method: req.method, headers, body });
  const type = answer.headers.get("content-type");
  return new Response(answer.body, {
    status: answer.status,
    headers: type === null ? {} : { "content-type": type },
  });
});
serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) =>
  console.log(JSON.stringify({ msg: "listening", url: `http://127.0.0.1:${port}/mcp` })),
);
process.once("SIGTERM", () => process.exit(0));
