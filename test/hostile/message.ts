// What a client sends and what it is told, in both protocol eras: the well-formed messages from which attacks are made.
import type { JsonObject, JsonValue } from "@postern/contracts";
import type { Answer } from "./raw-http.ts";

export const JSON_TYPE = "Content-Type: application/json";
export const bearer = (token: string): string => `Authorization: Bearer ${token}`;

export const MODERN_VERSION = "2026-07-28";
const MODERN_META: JsonObject = {
  "io.modelcontextprotocol/protocolVersion": MODERN_VERSION,
  "io.modelcontextprotocol/clientCapabilities": { extensions: { "io.modelcontextprotocol/tasks": {} } },
  "io.modelcontextprotocol/clientInfo": { name: "attacker", version: "1" },
};

export const requestBody = (method: string, params: JsonObject = {}, id: JsonValue = 1): string =>
  JSON.stringify({ jsonrpc: "2.0", id, method, params });
export const callBody = (name: string, args: JsonObject = {}, id: JsonValue = 1): string =>
  requestBody("tools/call", { name, arguments: args }, id);
export const modernBody = (method: string, params: JsonObject = {}, id: JsonValue = 1): string =>
  requestBody(method, { ...params, _meta: MODERN_META }, id);

/** The mirror headers that a modern request must have. */
export function modernHead(method: string, name?: string): string[] {
  return [
    `MCP-Protocol-Version: ${MODERN_VERSION}`,
    `Mcp-Method: ${method}`,
    ...(name === undefined ? [] : [`Mcp-Name: ${name}`]),
  ];
}

export interface Denial {
  readonly code: number;
  /** `data.reason`; "" when there is none. */
  readonly reason: string;
  readonly message: string;
}

/** The JSON-RPC error of an answer; undefined when it has none. */
export function denialOf({ body }: Pick<Answer, "body">): Denial | undefined {
  const error = (
    parse(body) as { error?: { code?: number; message?: string; data?: { reason?: string } } } | undefined
  )?.error;
  if (typeof error?.code !== "number") return undefined;
  return { code: error.code, reason: error.data?.reason ?? "", message: error.message ?? "" };
}

export function resultOf({ body }: Pick<Answer, "body">): JsonObject | undefined {
  return (parse(body) as { result?: JsonObject } | undefined)?.result;
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
