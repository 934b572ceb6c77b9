// The bare passthrough: the least that a sound proxy on node:http and undici can do. It checks nothing and knows nothing; what the sidecar
// costs is measured against it.
import { createServer } from "node:http";
import { Pool } from "undici";
import { announce } from "./announce.ts";

const upstream = new URL(process.argv[2] ?? "");
const pool = new Pool(upstream.origin, { pipelining: 1, allowH2: false });

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
    const headers = { accept: "application/json, text/event-stream", "content-type": "application/json" };
    const answer: Buffer[] = [];
    let head = { status: 502, type: "" };
    pool.dispatch(
      { path: upstream.pathname, method: "POST", headers, body },
      {
        onRequestStart() {},
        onResponseStart(_controller, status, { "content-type": type }) {
          head = { status, type: String(type) };
        },
        onResponseData(_controller, chunk) {
          answer.push(chunk);
        },
        onResponseEnd() {
          const whole = answer.length === 1 && answer[0] !== undefined ? answer[0] : Buffer.concat(answer);
          response.writeHead(head.status, { "content-type": head.type, "content-length": whole.byteLength });
          response.end(whole);
        },
        onResponseError() {
          response.writeHead(502).end();
        },
      },
    );
  });
});
announce(server);
