// A client that sends exactly what a test writes and shows exactly what comes back, when it comes: no SDK between the test and the wire.
import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request as send } from "node:http";
import { text } from "node:stream/consumers";

export interface Asking {
  readonly verb?: "POST" | "GET" | "DELETE";
  readonly body?: object | string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Open {
  readonly request: ClientRequest;
  /** The head of the answer, before any of its body. */
  readonly head: Promise<IncomingMessage>;
}

export interface RawClient {
  /** Sends and does not wait. */
  open(asking: Asking): Open;
  /** Sends and reads the whole answer. */
  ask(asking: Asking): Promise<{ status: number; headers: IncomingMessage["headers"]; body: string }>;
  /** The headers of a legacy session of its own. */
  session(): Promise<Readonly<Record<string, string>>>;
}

export function createRawClient(url: string, token: string): RawClient {
  const open = ({ verb = "POST", body, headers = {} }: Asking): Open => {
    const request = send(url, {
      method: verb,
      agent: false,
      headers: {
        authorization: `Bearer ${token}`,
        accept: "application/json, text/event-stream",
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
    });
    // Whoever breaks a request off, or has it broken off, learns of it where it waits.
    request.on("error", () => {});
    const head = once(request, "response").then(([response]) => response as IncomingMessage);
    head.catch(() => {});
    request.end(typeof body === "object" ? JSON.stringify(body) : body);
    return { request, head };
  };
  const ask: RawClient["ask"] = async (asking) => {
    const response = await open(asking).head;
    return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
  };
  return {
    open,
    ask,
    async session() {
      const params = {
        protocolVersion: "2025-11-25",
        capabilities: {},
        clientInfo: { name: "raw", version: "1" },
      };
      const { headers } = await ask({ body: { jsonrpc: "2.0", id: "init", method: "initialize", params } });
      return { "mcp-session-id": String(headers["mcp-session-id"]), "mcp-protocol-version": "2025-11-25" };
    },
  };
}

const MODERN_VERSION = "2026-07-28";

/** A message of the stateless era with the headers that must go with it. */
export function modern(id: number, method: string, params: Readonly<Record<string, unknown>> = {}): Asking {
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": MODERN_VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const name = params.name ?? params.uri ?? params.taskId;
  return {
    body: { jsonrpc: "2.0", id, method, params: { ...params, _meta } },
    headers: {
      "mcp-protocol-version": MODERN_VERSION,
      "mcp-method": method,
      ...(typeof name === "string" && { "mcp-name": name }),
    },
  };
}

export const call = (id: number, name: string, args: object = {}) => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name, arguments: args },
});
