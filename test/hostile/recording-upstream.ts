// A tool server of a test that lives in the test's own process and writes down every request that it gets, raw headers and body bytes: the
// ground truth of what came through. How it answers a call is chosen by the tool's name.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { JsonObject } from "@postern/contracts";
import { defer, type TestScope } from "@postern/testkit";

export interface Arrival {
  readonly verb: string;
  readonly target: string;
  /** Name, value, name, value … as they came. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** The body's JSON; undefined without one. */
  readonly message: JsonObject | undefined;
  readonly method: string;
  /** Settles when the connection that it came on is closed or its answer is complete. */
  readonly over: Promise<void>;
}

export interface RecordingUpstream {
  readonly url: string;
  /** In order of arrival. */
  readonly arrivals: Arrival[];
  /** Arrivals since the last time of asking. */
  fresh(): Arrival[];
  /** Throws unless nothing has arrived since the last time of asking. */
  assertUntouched(title?: string): void;
  /** What tools/list says. */
  tools: JsonObject[];
  /** Sent with each answer. */
  answerHeaders: Record<string, string>;
  /** Lets the calls of the tool "hang" be answered. */
  readonly released: PromiseWithResolvers<void>;
}

const tool = (name: string): JsonObject => ({
  name,
  description: `Does ${name}.`,
  inputSchema: { type: "object" },
});

/** Tools whose answers break the rules in one way each. */
export const TOOLS = [
  "record",
  "stream",
  "hang",
  "drop",
  "half",
  "huge",
  "late",
  "redirect",
  "task",
  "state",
  "forbidden",
] as const;

const HUGE_BYTES = 200_000;

export async function startRecordingUpstream(scope: TestScope): Promise<RecordingUpstream> {
  const arrivals: Arrival[] = [];
  let seen = 0;
  const upstream: Omit<RecordingUpstream, "url"> = {
    arrivals,
    fresh() {
      const since = arrivals.slice(seen);
      seen = arrivals.length;
      return since;
    },
    assertUntouched(title = "") {
      const since = upstream.fresh().map(({ body, target, verb }) => `${verb} ${target} ${body}`);
      assert.deepEqual(since, [], `nothing reaches the tool server: ${title}`);
    },
    tools: TOOLS.map(tool),
    answerHeaders: {},
    released: Promise.withResolvers<void>(),
  };
  const server = createServer(
    (request, response) => void take(request, response).catch(() => response.destroy()),
  );

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces);
    const message = read(body);
    const over = new Promise<void>((resolve) => response.once("close", () => resolve()));
    arrivals.push({
      verb: request.method ?? "",
      target: request.url ?? "",
      rawHeaders: request.rawHeaders,
      body,
      message,
      method: typeof message?.method === "string" ? message.method : "",
      over,
    });
    await answer(request, response, message);
  }

  async function answer(
    { headers, method: verb }: IncomingMessage,
    response: ServerResponse,
    message: JsonObject | undefined,
  ): Promise<void> {
    const json = (result: object) => reply(response, message, result, upstream.answerHeaders);
    if (verb === "GET") return greet(response, String(headers["mcp-session-id"]));
    if (verb === "DELETE") return void response.writeHead(200).end();
    if (message?.id === undefined || message.method === undefined) return void response.writeHead(202).end();
    const params = (message.params ?? {}) as JsonObject;
    switch (message.method) {
      case "initialize":
        response.setHeader("mcp-session-id", randomUUID());
        return json({
          protocolVersion: params.protocolVersion ?? "2025-11-25",
          capabilities: { tools: {}, resources: {}, prompts: {} },
          serverInfo: { name: "recording", version: "1" },
        });
      case "tools/list":
        return json({ tools: upstream.tools, ttlMs: 0, cacheScope: "public", resultType: "complete" });
      case "tasks/get":
        return json({ taskId: params.taskId ?? "", status: "working", resultType: "complete" });
      case "tools/call":
        return call(response, message, params);
      default:
        return json({ resultType: "complete" });
    }
  }

  async function call(response: ServerResponse, message: JsonObject, params: JsonObject): Promise<void> {
    const args = (params.arguments ?? {}) as JsonObject;
    const text = JSON.stringify(args.nonce ?? null);
    const result = { content: [{ type: "text", text }], resultType: "complete" };
    const json = (value: object) => reply(response, message, value, upstream.answerHeaders);
    switch (params.name) {
      case "stream":
        return stream(response, message, result, text);
      case "hang":
        await upstream.released.promise;
        return json(result);
      case "late":
        await sleep(Number(args.delayMs ?? 50));
        return json(result);
      case "redirect":
        return void response.writeHead(307, { location: "/elsewhere" }).end();
      case "drop":
        return void response.destroy();
      case "half":
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write(
          event({ jsonrpc: "2.0", method: "notifications/message", params: { level: "info", data: text } }),
        );
        await sleep(20);
        return void response.destroy();
      case "huge":
        return json({ content: [{ type: "text", text: "x".repeat(HUGE_BYTES) }], resultType: "complete" });
      case "task":
        return json({ resultType: "task", taskId: `task-${String(args.nonce)}`, status: "working" });
      case "state":
        return json(
          params.requestState === undefined
            ? { resultType: "input_required", inputRequests: {}, requestState: `state-${String(args.nonce)}` }
            : result,
        );
      default:
        return json(result);
    }
  }

  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  defer(scope, async () => {
    upstream.released.resolve();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return Object.assign(upstream, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp` });
}

/** Three notifications that bear the caller's text, then the answer, with pauses between them so that streams lie across each other. */
async function stream(
  response: ServerResponse,
  message: JsonObject,
  result: object,
  text: string,
): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (let step = 0; step < 3; step += 1) {
    response.write(
      event({ jsonrpc: "2.0", method: "notifications/message", params: { level: "info", data: text } }),
    );
    await sleep((text.length * 7 + step * 5) % 23);
  }
  response.end(event({ jsonrpc: "2.0", id: message.id, result }));
}

/** A stream that stays open and tells each listener which session it is heard in. */
function greet(response: ServerResponse, sessionId: string): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(
    event({
      jsonrpc: "2.0",
      method: "notifications/message",
      params: { level: "info", data: `session-${sessionId}` },
    }),
  );
}

function reply(
  response: ServerResponse,
  message: JsonObject | undefined,
  result: object,
  headers: Record<string, string>,
): void {
  response.writeHead(200, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify({ jsonrpc: "2.0", id: message?.id ?? null, result }));
}

const event = (value: object) => `event: message\ndata: ${JSON.stringify(value)}\n\n`;

function read(body: Buffer): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === "object" && value !== null ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}
