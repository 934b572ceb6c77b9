// What the bench's tool server says: the same result of 1 KB under each request's id, in every form that a reply can have.
import { TOOLS } from "./workload.ts";

const TEXT = "All of it was read, and none of it was remarkable. ";
const RESULT = resultOf(TEXT.repeat(18));

/** The answer to a call, about 1 KB. `idText` is the JSON text of the request's id. */
export const answerBody = (idText: string): string => `{"jsonrpc":"2.0","id":${idText},"result":${RESULT}}`;

/** The same with ten megabytes of text. */
export const hugeAnswerBody = (idText: string): string =>
  `{"jsonrpc":"2.0","id":${idText},"result":${resultOf(TEXT.repeat(Math.ceil(10e6 / TEXT.length)))}}`;

export const event = (data: string): string => `event: message\ndata: ${data}\n\n`;

/** Something to be told before the answer, of about `bytes`. */
export function notificationBody(bytes: number): string {
  const data = TEXT.repeat(Math.ceil(bytes / TEXT.length));
  const params = { level: "info", data };
  return JSON.stringify({ jsonrpc: "2.0", method: "notifications/message", params });
}

/** Answers to what a client or the sidecar asks besides calls. */
export function answerTo(method: string, idText: string): string {
  const result =
    method === "initialize"
      ? {
          protocolVersion: "2025-11-25",
          capabilities: { tools: {} },
          serverInfo: { name: "bench", version: "1" },
        }
      : method === "tools/list"
        ? { tools: TOOLS.map((name) => ({ name, description: "Reads records.", inputSchema: INPUT_SCHEMA })) }
        : {};
  return `{"jsonrpc":"2.0","id":${idText},"result":${JSON.stringify(result)}}`;
}

const INPUT_SCHEMA = {
  type: "object",
  properties: {
    path: { type: "string" },
    query: { type: "string" },
    region: { type: "string" },
    amount: { type: "number" },
    fields: { type: "array", items: { type: "string" } },
    note: { type: "string" },
  },
};

function resultOf(text: string): string {
  return JSON.stringify({ content: [{ type: "text", text }], resultType: "complete" });
}
