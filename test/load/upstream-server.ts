// The tool server of the bench: answers at once, in the form that the call asks for, and understands no more of MCP than sessions need. A
// GET is a stream that stays open and says nothing.
import { randomUUID } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import { announce } from "./announce.ts";
import { answerBody, answerTo, event, hugeAnswerBody, notificationBody } from "./answers.ts";

/** Id, method and the form of the reply stand in the first part of every message of the bench. */
const HEAD_BYTES = 768;
const TRICKLE_MS = 5;
const STREAM_EVENTS = 1_250;
const STREAM_EVENT = event(notificationBody(8_000));

const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    if (request.method === "GET") begin(response).flushHeaders();
    else if (request.method === "DELETE") response.writeHead(200, { "content-length": 0 }).end();
    else reply(chunks.length > 1 ? Buffer.concat(chunks) : (chunks[0] ?? Buffer.alloc(0)), response);
  });
});
announce(server);

function reply(body: Buffer, response: ServerResponse): void {
  const head = body.toString("latin1", 0, HEAD_BYTES);
  const idText = /"id":("[^"]*"|\d+)/.exec(head)?.[1];
  const method = /"method":"([^"]+)"/.exec(head)?.[1] ?? "";
  if (idText === undefined) response.writeHead(202, { "content-length": 0 }).end();
  else if (method !== "tools/call") whole(response, answerTo(method, idText), sessionOf(method));
  else answerCall(idText, /"reply":"([a-z0-9-]+)"/.exec(head)?.[1] ?? "json", response);
}

function answerCall(idText: string, form: string, response: ServerResponse): void {
  if (form === "json-10m") whole(response, hugeAnswerBody(idText));
  else if (form === "sse") begin(response).end(event(answerBody(idText)));
  else if (form === "events-10m") void sendEvents(begin(response), idText);
  else if (form === "trickle") {
    begin(response).write(event(notificationBody(200)));
    setTimeout(() => response.end(event(answerBody(idText))), TRICKLE_MS);
  } else whole(response, answerBody(idText));
}

/** As fast as the reader takes them. */
async function sendEvents(response: ServerResponse, idText: string): Promise<void> {
  for (let n = 0; n < STREAM_EVENTS && !response.destroyed; n += 1) {
    if (response.write(STREAM_EVENT)) continue;
    await new Promise<void>((resolve) => {
      const proceed = () => {
        response.off("drain", proceed).off("close", proceed);
        resolve();
      };
      response.once("drain", proceed).once("close", proceed);
    });
  }
  response.end(event(answerBody(idText)));
}

function begin(response: ServerResponse): ServerResponse {
  return response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
}

function whole(response: ServerResponse, text: string, extra: Record<string, string> = {}): void {
  const body = Buffer.from(text);
  response
    .writeHead(200, { "content-type": "application/json", "content-length": body.byteLength, ...extra })
    .end(body);
}

const sessionOf = (method: string): Record<string, string> =>
  method === "initialize" ? { "mcp-session-id": randomUUID() } : {};
