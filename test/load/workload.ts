// What every line of the bench is asked: calls of ten tools, no two alike, under a token with three caveats and a policy of sixty rules that
// read the arguments, so that nothing between the socket and the tool server has an easy day.
import type { Caveat } from "@postern/contracts";

/** How a call reaches the sidecar: the plain door, or /v1/mcp with a session (2025-11-25) or without one (2026-07-28). */
export type Door = "tool-call" | "legacy" | "modern";
/** What the tool server sends: one JSON document, one event, an event at once and the answer 5 ms later, or ten megabytes either way. */
export type Reply = "json" | "sse" | "trickle" | "events-10m" | "json-10m";

export interface Shape {
  readonly door: Door;
  /** Size of the whole message, about. */
  readonly bytes: number;
  readonly reply: Reply;
  /** How many of the ten tools are called. */
  readonly tools: 1 | 10;
  /** Calls that the policy denies, and no check before it. */
  readonly denied: boolean;
}

export const PLAIN: Shape = { door: "tool-call", bytes: 400, reply: "json", tools: 10, denied: false };

export const TOOLS: readonly string[] = Array.from({ length: 10 }, (_, n) => `read_records_${n}`);

/** A tool allow-list, a condition on the arguments, and a budget that no run uses up. */
export const CAVEATS: readonly Caveat[] = [
  { type: "tool_allow", tools: ["read_records_*"] },
  { type: "arguments", predicates: [{ op: "lt", path: "/amount", value: 1_000_000 }] },
  { type: "max_calls", limit: 1_000_000_000 },
];

/** Calls for all tools, so that the intent check allows each of them. */
export const INTENT_PROMPT = `Look through the records with ${TOOLS.join(", ")} and tell me what they have in common.`;

/** Call number `n`. */
export function callOf(n: number, { bytes, denied, reply, tools }: Shape = PLAIN) {
  const args = {
    reply,
    path: `/projects/atlas/2026/report-${n}.json`,
    query: `status:open owner:team-${n % 97} after:2026-01-${String((n % 28) + 1).padStart(2, "0")}`,
    region: n % 2 === 0 ? "eu-central" : "eu-west",
    amount: denied ? 900_000 : n % 100_000,
    fields: ["id", "title", "state", "owner"],
    note: `Call ${n} of the bench: distinct arguments, as an agent sends them.${padding(bytes)}`,
  };
  return { method: "tools/call", params: { name: TOOLS[n % tools] ?? "", arguments: args } };
}

/** Its JSON-RPC request. */
export function callBody(n: number, shape: Shape = PLAIN): string {
  const { method, params } = callOf(n, shape);
  const meta = shape.door === "modern" ? MODERN_META : "";
  return `{"jsonrpc":"2.0","id":${n},"method":"${method}","params":${JSON.stringify(params).slice(0, -1)}${meta}}}`;
}

/** Headers of call number `n` that the era asks for, besides those of its session. */
export function eraHeaders(n: number, { door, tools }: Shape): Readonly<Record<string, string>> {
  if (door === "tool-call") return {};
  if (door === "legacy") return { accept: ACCEPT, "mcp-protocol-version": LEGACY };
  const name = TOOLS[n % tools] ?? "";
  return { accept: ACCEPT, "mcp-protocol-version": MODERN, "mcp-method": "tools/call", "mcp-name": name };
}

const ACCEPT = "application/json, text/event-stream";
const LEGACY = "2025-11-25";
const MODERN = "2026-07-28";
const META = {
  "io.modelcontextprotocol/protocolVersion": MODERN,
  "io.modelcontextprotocol/clientInfo": { name: "bench", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
};
const MODERN_META = `,"_meta":${JSON.stringify(META)}`;

/** A request for the tools, in the era without sessions. */
export const LIST = JSON.stringify({ jsonrpc: "2.0", id: 0, method: "tools/list", params: { _meta: META } });
export const LIST_HEADERS = { accept: ACCEPT, "mcp-protocol-version": MODERN, "mcp-method": "tools/list" };

export const INITIALIZE = JSON.stringify({
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: { protocolVersion: LEGACY, capabilities: {}, clientInfo: { name: "bench", version: "1" } },
});
export const INITIALIZED = JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" });

/** Lines of a text as a file has them, with quotation marks, so that their JSON has escapes in it. */
const LINE = '\nThe "state" of this record was read, and none of it was remarkable.';
const paddings = new Map<number, string>();

function padding(bytes: number): string {
  const known = paddings.get(bytes);
  if (known !== undefined) return known;
  const lines = Math.max(0, Math.floor((bytes - PLAIN.bytes) / JSON.stringify(LINE).length));
  const text = LINE.repeat(lines);
  paddings.set(bytes, text);
  return text;
}

/** Sixty rules, six for each tool, all of which a call has to get past. */
export function policyOfSixtyRules(): string {
  return policyOf([
    "input.args.amount > 500000",
    'startswith(input.args.path, "/secret/")',
    'contains(input.args.query, "password")',
    'not input.args.region in {"eu-central", "eu-west"}',
    "count(input.args.fields) > 16",
    'endswith(input.args.path, ".key")',
  ]);
}

/** As many rules that read nothing but tool and agent, so that few decisions answer many calls. */
export function policyOfRulesThatRepeat(): string {
  return policyOf(Array.from({ length: 6 }, (_, n) => `input.agent_id == "a-stranger-${n}"`));
}

function policyOf(conditions: readonly string[]): string {
  const rules = TOOLS.flatMap((tool, t) =>
    conditions.map(
      (condition, c) =>
        `refused contains "rule_${t}_${c}" if {\n\tinput.tool == "${tool}"\n\t${condition}\n}`,
    ),
  );
  return [
    "package intentgate.policy",
    'decision := {"allow": true, "rule": "unremarkable", "cost_micros": 1000} if count(refused) == 0',
    'else := {"allow": false, "rule": "refused", "reason": "A rule of the bench refuses this call."}',
    ...rules,
    "",
  ].join("\n\n");
}
