// What a caller may not ask for it does not see: removes hidden entries from any answer that is a list, on whatever channel it arrives, and
// marks the list as this caller's own, so that no cache between hands it to another. Everything else passes unchanged. Hiding is a courtesy;
// whatever is asked for is judged by itself.
import type { JsonObject, JsonValue } from "@postern/contracts";
import { isJsonObject, member } from "./message.ts";

/** Members of a result that are lists, and the member by which an entry is asked for. */
const LISTS = {
  tools: "name",
  resources: "uri",
  resourceTemplates: "uriTemplate",
  prompts: "name",
  tasks: "taskId",
} as const;
export type ListKind = keyof typeof LISTS;
const KINDS = Object.keys(LISTS) as readonly ListKind[];

export interface ListEntry {
  readonly kind: ListKind;
  /** What the entry is asked for by: a tool's or prompt's name, a resource's URI, a task's id. */
  readonly name: string;
  /** The entry as the server offers it. */
  readonly value: JsonObject;
}

export interface ListRules {
  readonly isVisible: (entry: ListEntry) => boolean | Promise<boolean>;
  /** Upper bound for the list's `ttlMs`: what is left of the caller's capability. */
  readonly ttlMsMax?: number;
}

/** Whether a message, or one of a batch, is an answer with a list in it. */
export function holdsList(message: JsonValue): boolean {
  return Array.isArray(message) ? message.some(holdsList) : kindsIn(message).length > 0;
}

/**
 * The text of `message` without the entries that are not visible. Order, `nextCursor` and unknown members stay, and so do the digits of every
 * number. An entry without a name is removed. A list is always written anew, so that a key that stands in it twice cannot show the caller
 * another definition than the one that was looked at; any other text comes back as it is.
 * @param message what `JSON.parse` makes of `text`.
 */
export async function filterLists(text: string, message: JsonValue, rules: ListRules): Promise<string> {
  const answers = Array.isArray(message) ? message : [message];
  const cuts = await Promise.all(answers.map((answer) => cutOf(answer, rules)));
  if (cuts.every((cut) => cut === undefined)) return text;
  const exact = JSON.parse(text, keepDigits) as JsonValue;
  if (!Array.isArray(exact)) return JSON.stringify(apply(exact, cuts[0]));
  return JSON.stringify(exact.map((answer, index) => apply(answer, cuts[index])));
}

/** What becomes of one answer: which entries stay, by their place, and what its cache hints change to. */
interface Cut {
  readonly kept: ReadonlyMap<ListKind, readonly boolean[]>;
  readonly hints: JsonObject | undefined;
}

async function cutOf(answer: JsonValue, rules: ListRules): Promise<Cut | undefined> {
  const kinds = kindsIn(answer);
  if (kinds.length === 0) return undefined;
  const result = resultOf(answer);
  const kept = new Map<ListKind, readonly boolean[]>();
  for (const kind of kinds) {
    const verdicts: boolean[] = [];
    for (const entry of listOf(result, kind) ?? []) {
      const name = isJsonObject(entry) ? member(entry, LISTS[kind]) : undefined;
      const isNamed = isJsonObject(entry) && typeof name === "string";
      verdicts.push(isNamed && (await rules.isVisible({ kind, name, value: entry })));
    }
    kept.set(kind, verdicts);
  }
  return { kept, hints: cacheHints(result, rules.ttlMsMax) };
}

function apply(answer: JsonValue, cut: Cut | undefined): JsonValue {
  if (cut === undefined) return answer;
  const result = { ...resultOf(answer), ...cut.hints };
  for (const [kind, verdicts] of cut.kept) {
    result[kind] = (listOf(result, kind) ?? []).filter((_, index) => verdicts[index]);
  }
  return { ...(answer as JsonObject), result };
}

const kindsIn = (answer: JsonValue): readonly ListKind[] => {
  const result = resultOf(answer);
  return KINDS.filter((kind) => listOf(result, kind) !== undefined);
};

const NO_RESULT: JsonObject = {};

function resultOf(answer: JsonValue): JsonObject {
  const result = isJsonObject(answer) ? member(answer, "result") : undefined;
  return isJsonObject(result) ? result : NO_RESULT;
}

function listOf(result: JsonObject, kind: ListKind): readonly JsonValue[] | undefined {
  const list = member(result, kind);
  return Array.isArray(list) ? list : undefined;
}

/** ECMAScript's source text access; missing from the compiler's library. */
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };

/** Numbers keep their own digits, so that a schema's 64-bit bound is not rounded on its way through. */
function keepDigits(this: unknown, _key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || context?.source === undefined) return value;
  return String(value) === context.source ? value : rawJSON(context.source);
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
