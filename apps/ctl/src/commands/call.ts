// postern call: one tool call through a sidecar, judged like any other.
import { createAgentClient, type ToolCallAnswer } from "@postern/client";
import type { JsonObject, JsonValue } from "@postern/contracts";
import { z } from "zod";
import { command, type Outcome, usage } from "../command.ts";
import { callConnection } from "../connection.ts";

export const call = command({
  name: "call",
  summary: "Call a tool through a sidecar.",
  usage: "<tool> [name=value…]",
  details:
    "A value that is JSON is sent as such, any other as text. Exit code 1: the call was denied, or the tool failed.",
  positionals: { min: 1, max: 256 },
  options: {
    args: { value: "JSON", description: "All arguments as one JSON object." },
    intent: { value: "TEXT", description: "What the user asked for, for the intent check." },
    "request-id": { value: "ID", description: "Id of the request; a fresh one without it." },
    "sidecar-url": { value: "URL", description: "Address of the sidecar." },
    capability: { value: "TOKEN", description: "Capability token." },
    timeout: { value: "SECONDS", description: "How long to wait for the result (default 60)." },
  },
  example: "postern call read_invoice id=1042 --intent 'check invoice 1042'",
  async run({ options, positionals }, { config }) {
    const [tool = "", ...pairs] = positionals;
    const args = { ...parseObject(options.args), ...Object.fromEntries(pairs.map(parsePair)) };
    const given = { url: options["sidecar-url"], token: options.capability };
    const connection = await callConnection(given, config());
    const client = createAgentClient({ ...connection, timeoutMs: timeoutMs(options.timeout) });
    const answer = await client.toolCall(tool, args, {
      ...(options.intent === undefined ? {} : { intentPrompt: options.intent }),
      ...(options["request-id"] === undefined ? {} : { requestId: options["request-id"] }),
    });
    return outcomeOf(answer);
  },
});

function timeoutMs(text: string | undefined): number {
  if (text === undefined) return 60_000;
  if (!/^\d{1,6}$/.test(text) || Number(text) === 0) throw usage("--timeout must be a number of seconds");
  return Number(text) * 1000;
}

function parseObject(text: string | undefined): JsonObject {
  const value = text === undefined ? {} : parseJson(text);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw usage("--args must be a JSON object");
  return value as JsonObject;
}

function parsePair(pair: string): [string, JsonValue] {
  const at = pair.indexOf("=");
  if (at < 1) throw usage(`"${pair}" is not of the form name=value`);
  const text = pair.slice(at + 1);
  return [pair.slice(0, at), parseJson(text) ?? (text === "null" ? null : text)];
}

function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function outcomeOf(answer: ToolCallAnswer): Outcome {
  if (answer.ok) {
    const isError = answer.result.isError === true;
    return {
      ok: !isError,
      json: { ok: !isError, result: answer.result },
      text: describeResult(answer.result),
    };
  }
  const { denial, error } = answer;
  const raw = {
    code: error.code,
    message: error.message,
    ...(error.data === undefined ? {} : { data: error.data }),
  };
  if (denial === undefined)
    return {
      ok: false,
      json: { ok: false, error: raw },
      text: `The tool server refused: ${error.message} (${error.code})`,
    };
  const lines = [
    `Denied by the ${denial.check} check: ${denial.detail}`,
    `  ${denial.reason} (${denial.code})${denial.eventId === undefined ? "" : `, event ${denial.eventId}`}`,
    ...(denial.pendingId === undefined ? [] : [`  waiting for approval ${denial.pendingId}`]),
  ];
  const { check, code, reason, detail, reasons } = denial;
  return {
    ok: false,
    json: { ok: false, denial: { check, code, reason, detail, reasons }, error: raw },
    text: lines.join("\n"),
  };
}

const Content = z.object({ content: z.array(z.object({ type: z.literal("text"), text: z.string() })) });

/** The texts of a result that has nothing but text, else its JSON. */
function describeResult(result: JsonObject): string {
  const parsed = Content.safeParse(result);
  if (!parsed.success) return JSON.stringify(result, undefined, 2);
  return parsed.data.content.map(({ text }) => text).join("\n");
}
