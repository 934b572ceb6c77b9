// A tool server whose every answer is written by the test that asks, down to the bytes and the moment: for what no SDK would do.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import type { TestScope } from "@postern/testkit";
import { listen } from "./hop.ts";

export interface Asked {
  readonly verb: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** `id` and `method` of the message; undefined where there is none. */
  readonly id: unknown;
  readonly method: string | undefined;
  readonly response: ServerResponse;
}

export interface ScriptedServer {
  readonly url: string;
  /** Everything that arrived since the last script, oldest first. */
  readonly asked: Asked[];
  /** From now on `script` answers, and nothing has been asked yet. `initialize` and notifications are answered beforehand. */
  play(script: (asked: Asked) => void | Promise<void>): void;
}

export async function startScriptedServer(scope: TestScope): Promise<ScriptedServer> {
  const asked: Asked[] = [];
  let script: (asked: Asked) => void | Promise<void> = ({ response }) => void response.writeHead(500).end();
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const { id, method } = body === "" ? {} : (JSON.parse(body) as { id?: unknown; method?: string });
    const each = { verb: request.method ?? "", headers: request.headers, body, id, method, response };
    if (method === "initialize") return openSession(each);
    if (method?.startsWith("notifications/")) return void response.writeHead(202).end();
    asked.push(each);
    await script(each);
  });
  return {
    url: `${await listen(scope, server)}mcp`,
    asked,
    play(next) {
      script = next;
      asked.length = 0;
    },
  };
}

function openSession({ id, response }: Asked): void {
  const result = {
    protocolVersion: "2025-11-25",
    capabilities: { tools: {} },
    serverInfo: { name: "scripted", version: "1" },
  };
  response.writeHead(200, { "content-type": "application/json", "mcp-session-id": crypto.randomUUID() });
  response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
}

export const answerJson = ({ id, response }: Asked, result: object): void => {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
};

/** Begins a stream of events; its head is on its way when this returns. */
export const beginStream = ({ response }: Asked): void => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.flushHeaders();
};

export const eventOf = (message: object, id?: string): string =>
  `${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify({ jsonrpc: "2.0", ...message })}\n\n`;
