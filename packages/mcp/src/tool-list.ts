// What a caller may not call it does not see: removes hidden tools from any answer that is a list of tools, on whatever channel it
// arrives, and marks the list as this caller's own, so that no cache between hands it to another. Everything else passes unchanged.
// Hiding is a courtesy; the call itself is always judged.
import { Buffer } from "node:buffer";
import type { JsonObject, JsonValue } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { isJsonObject, member } from "./message.ts";
import { createSseDecoder, replaceSseData } from "./sse.ts";

/** Of these tool names, those that the caller may see. */
export type VisibleTools = (names: readonly string[]) => Promise<ReadonlySet<string>> | ReadonlySet<string>;

export interface ToolListRules {
  readonly visible: VisibleTools;
  /** Upper bound for the list's `ttlMs`: what is left of the caller's capability. */
  readonly ttlMsMax?: number;
}

/** Names in a message's `result.tools`; undefined when the message is no list of tools. */
export function toolNamesOf(message: JsonValue): readonly string[] | undefined {
  const tools = toolsOf(message);
  return tools?.map(nameOf).filter((name) => name !== undefined);
}

/**
 * The message without the tools that are not visible; the same object when nothing changes. Order, `nextCursor` and unknown members stay.
 * An entry without a name is removed.
 */
export function filterToolList(
  message: JsonValue,
  isVisible: (name: string) => boolean,
  { ttlMsMax }: Pick<ToolListRules, "ttlMsMax"> = {},
): JsonValue {
  const tools = toolsOf(message);
  if (tools === undefined) return message;
  const { result, ...envelope } = message as JsonObject & { result: JsonObject };
  const shown = tools.filter((tool) => {
    const name = nameOf(tool);
    return name !== undefined && isVisible(name);
  });
  const hints = cacheHints(result, ttlMsMax);
  if (shown.length === tools.length && hints === undefined) return message;
  return { ...envelope, result: { ...result, tools: shown, ...hints } };
}

/**
 * The same over the bytes of a JSON body, which may be a batch. The bytes themselves come back when nothing changes.
 * @throws Fault upstream "upstream.protocol" when it may be a list and cannot be read.
 */
export async function filterToolListBody(body: Uint8Array, rules: ToolListRules): Promise<Uint8Array> {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
  const filtered = await filterText(text, rules);
  return filtered === undefined ? body : Buffer.from(filtered);
}

/** The same over an SSE stream: only events that carry a list of tools are rewritten, all other bytes pass as they came. */
export async function* filterToolListStream(
  stream: AsyncIterable<Uint8Array>,
  rules: ToolListRules & { readonly eventBytesMax: number },
): AsyncGenerator<Uint8Array> {
  const decoder = createSseDecoder(rules);
  for await (const chunk of stream) {
    const passed: Uint8Array[] = [];
    for (const event of decoder.push(chunk)) {
      const filtered = event.data === undefined ? undefined : await filterText(event.data, rules);
      passed.push(filtered === undefined ? event.bytes : replaceSseData(event, filtered));
    }
    if (passed.length > 0)
      yield passed.length === 1 && passed[0] !== undefined ? passed[0] : Buffer.concat(passed);
  }
  // An event that never ended is nothing to a reader, so a list in it must not pass either.
}

async function filterText(text: string, { visible, ttlMsMax }: ToolListRules): Promise<string | undefined> {
  // Cheap and sure: a list cannot be spelt without "tools" or an escape.
  if (!text.includes("tools") && !text.includes("\\u")) return undefined;
  const names = answersIn(parse(text)).map(toolNamesOf);
  if (names.every((known) => known === undefined)) return undefined;
  const shown = await visible([...new Set(names.flatMap((known) => known ?? []))]);
  const message = parse(text, keepDigits);
  const answers = answersIn(message);
  const filtered = answers.map((answer) =>
    filterToolList(answer, (name) => shown.has(name), ttlMsMax === undefined ? {} : { ttlMsMax }),
  );
  if (filtered.every((answer, index) => answer === answers[index])) return undefined;
  return JSON.stringify(Array.isArray(message) ? filtered : filtered[0]);
}

const answersIn = (message: JsonValue): readonly JsonValue[] =>
  Array.isArray(message) ? message : [message];

function parse(text: string, reviver?: typeof keepDigits): JsonValue {
  try {
    return JSON.parse(text, reviver) as JsonValue;
  } catch (cause) {
    throw new Fault("upstream", "upstream.protocol", "The tool server's answer is not valid JSON.", {
      cause,
    });
  }
}

/** ECMAScript's source text access; missing from the compiler's library. */
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };

/** Numbers keep their own digits, so that a schema's 64-bit bound is not rounded on its way through. */
function keepDigits(this: unknown, _key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || context?.source === undefined) return value;
  return String(value) === context.source ? value : rawJSON(context.source);
}

function toolsOf(message: JsonValue): readonly JsonValue[] | undefined {
  const result = isJsonObject(message) ? member(message, "result") : undefined;
  const tools = isJsonObject(result) ? member(result, "tools") : undefined;
  return Array.isArray(tools) ? tools : undefined;
}

function nameOf(tool: JsonValue): string | undefined {
  const name = isJsonObject(tool) ? member(tool, "name") : undefined;
  return typeof name === "string" ? name : undefined;
}

/** MCP 2026-07-28, Caching: a list that depends on the caller is "private". A result without hints is not cached and gets none. */
function cacheHints(result: JsonObject, ttlMsMax = Number.POSITIVE_INFINITY): JsonObject | undefined {
  const ttlMs = member(result, "ttlMs");
  const isHinted = ttlMs !== undefined || member(result, "cacheScope") !== undefined;
  if (!isHinted) return undefined;
  const bounded =
    typeof ttlMs === "number" && ttlMs > ttlMsMax ? { ttlMs: Math.max(0, Math.floor(ttlMsMax)) } : {};
  if (member(result, "cacheScope") === "private" && !("ttlMs" in bounded)) return undefined;
  return { cacheScope: "private", ...bounded };
}
