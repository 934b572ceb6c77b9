// What the fuzzer starts from: a well-formed message of each method in each era, in each form that it has; messages that official clients sent;
// and every text of JSONTestSuite, as a whole body and as an argument.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "@postern/contracts";
import { METHOD_NAMES } from "@postern/mcp";
import { vectors } from "@postern/testkit";
import { callBody, modernBody, modernHead, requestBody } from "./message.ts";

export interface Seed {
  readonly method: string;
  readonly target: string;
  /** Header lines besides those of identity and content type. */
  readonly head: readonly string[];
  readonly body: Buffer;
}

const PARAMS: Readonly<Record<string, JsonObject>> = {
  initialize: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "c", version: "1" } },
  "resources/read": { uri: "doc://open/1" },
  "resources/subscribe": { uri: "doc://open/1" },
  "resources/unsubscribe": { uri: "doc://open/1" },
  "prompts/get": { name: "open", arguments: { a: "b" } },
  "completion/complete": { ref: { type: "ref/prompt", name: "open" }, argument: { name: "a", value: "b" } },
  "subscriptions/listen": { notifications: { resourcesListChanged: true } },
  "tasks/get": { taskId: "task-n" },
  "tasks/update": { taskId: "task-n", inputResponses: {} },
  "tasks/cancel": { taskId: "task-n" },
  "tasks/result": { taskId: "task-n" },
  "logging/setLevel": { level: "info" },
  "notifications/cancelled": { requestId: 1 },
  "notifications/progress": { progressToken: "p", progress: 1 },
};
const CALLED = ["record", "stream", "task", "state", "forbidden", "nothing"];
const ARGUMENTS = { nonce: "fuzz", amount: 12.5, list: [1, "two", { three: null }], text: 'é😀\\"' };

/** The methods that mirror a member of their params in Mcp-Name, and which. */
const nameOf = ({ name, uri, taskId }: JsonObject): string | undefined => {
  const mirrored = name ?? uri ?? taskId;
  return typeof mirrored === "string" ? mirrored : undefined;
};

/** Undefined members are left out; what JSONTestSuite adds is empty where the vectors are not there. */
export function readSeeds(): { readonly seeds: readonly Seed[]; readonly hasSuite: boolean } {
  const suite = suiteTexts();
  return {
    seeds: [...ofMethods(), ...ofCalls(), ...captured(), ...suite.flatMap(ofText)],
    hasSuite: suite.length > 0,
  };
}

const seed = (body: string | Buffer, head: readonly string[] = [], target = "/v1/mcp"): Seed => ({
  method: "POST",
  target,
  head,
  body: Buffer.from(body),
});

const ofMethods = (): Seed[] =>
  [...METHOD_NAMES, "x/unknown"]
    .filter((method) => method !== "tools/call")
    .flatMap((method) => {
      const params = PARAMS[method] ?? {};
      const silent = JSON.stringify({ jsonrpc: "2.0", method, params });
      if (method.startsWith("notifications/")) return [seed(silent)];
      const head = modernHead(method, nameOf(params));
      return [seed(requestBody(method, params)), seed(silent), seed(modernBody(method, params), head)];
    });

const ofCalls = (): Seed[] => [
  ...CALLED.flatMap((name) => [
    seed(callBody(name, ARGUMENTS)),
    seed(callBody(name, ARGUMENTS, "text-id"), [], "/v1/tool-call"),
    seed(modernBody("tools/call", { name, arguments: ARGUMENTS }), modernHead("tools/call", name)),
  ]),
  seed(callBody("record", ARGUMENTS), ["X-Intent-Prompt: record what was said"]),
  seed(callBody("record", ARGUMENTS), ["X-Intent-Prompt: =?base64?cmVjb3JkIGl0?="]),
  seed(callBody("record", ARGUMENTS), [
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  ]),
  seed('{"jsonrpc":"2.0","id":1,"result":{}}'),
  seed('{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}'),
  { ...seed(""), method: "GET" },
  { ...seed(""), method: "DELETE" },
];

function captured(): Seed[] {
  const file = new URL("./captured-messages.json", import.meta.url);
  const messages = JSON.parse(readFileSync(file, "utf8")) as { head: string[]; body: string }[];
  return messages.map(({ head, body }) => seed(body, head));
}

function suiteTexts(): Buffer[] {
  const folder = vectors("json-parsing");
  if (folder === undefined) return [];
  const texts = join(folder, "test_parsing");
  return readdirSync(texts).map((name) => readFileSync(join(texts, name)));
}

function ofText(text: Buffer): Seed[] {
  const [before = "", behind = ""] = callBody("record", { value: "@" }).split('"@"');
  return [seed(text), seed(Buffer.concat([Buffer.from(before), text, Buffer.from(behind)]))];
}
