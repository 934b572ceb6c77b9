// The bare passthrough: the least that a sound proxy on node:http and undici can do. It checks nothing and knows nothing; what the sidecar
// costs is measured against it. A small answer leaves in one write, a longer one as it comes and as fast as it is taken.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type Dispatcher, Pool } from "undici";
import { announce } from "./announce.ts";

const WHOLE_BYTES_MAX = 65_536;
const TRAVELS = /^mcp-/i;

const upstream = new URL(process.argv[2] ?? "");
const pool = new Pool(upstream.origin, { pipelining: 1, allowH2: false, bodyTimeout: 0 });

const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = chunks.length === 1 ? chunks[0] : chunks.length === 0 ? null : Buffer.concat(chunks);
    const method = request.method === "POST" ? "POST" : request.method === "GET" ? "GET" : "DELETE";
    pool.dispatch(
      { path: upstream.pathname, method, headers: headersOf(request), body: body ?? null },
      relayTo(response),
    );
  });
});
announce(server);

/** Read from the raw list: the parsed one is made only for who asks, and costs as much as all else here. */
function headersOf({ rawHeaders }: IncomingMessage): string[] {
  const sent = ["accept", "application/json, text/event-stream", "content-type", "application/json"];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    if (TRAVELS.test(name)) sent.push(name, rawHeaders[at + 1] ?? "");
  }
  return sent;
}

function relayTo(response: ServerResponse): Dispatcher.DispatchHandler {
  const pieces: Buffer[] = [];
  let head: { readonly status: number; readonly headers: Record<string, string> } | undefined;
  return {
    onRequestStart() {},
    onResponseStart(controller, status, raw) {
      const headers: Record<string, string> = { "content-type": String(raw["content-type"] ?? "text/plain") };
      if (raw["mcp-session-id"] !== undefined) headers["mcp-session-id"] = String(raw["mcp-session-id"]);
      if (Number(raw["content-length"]) < WHOLE_BYTES_MAX) {
        head = { status, headers };
        return;
      }
      response.writeHead(status, headers).flushHeaders();
      response.on("drain", () => controller.resume());
      response.once("close", () => {
        if (!response.writableFinished) controller.abort(new Error("The caller has gone."));
      });
    },
    onResponseData(controller, chunk) {
      if (head !== undefined) pieces.push(chunk);
      else if (!response.write(chunk)) controller.pause();
    },
    onResponseEnd() {
      if (head === undefined) {
        response.end();
        return;
      }
      const whole = pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
      response.writeHead(head.status, { ...head.headers, "content-length": whole.byteLength });
      response.end(whole);
    },
    onResponseError() {
      if (response.headersSent) response.destroy();
      else response.writeHead(502).end();
    },
  };
}
