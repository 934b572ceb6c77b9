// Every MCP method that Postern knows, in both protocol eras, with what kind of thing it asks for. A method that is not listed is denied:
// what is not understood is not forwarded.

/**
 * session: opens, describes or keeps up the connection · list-tools: answers are filtered · call-tool: judged ·
 * list, read, complete: data beside tools · subscribe: asks for a stream of changes · task: long-running work, bound by its id ·
 * logging: changes what the server reports · notification: tells, asks nothing.
 */
export const METHOD_KINDS = [
  "session",
  "list-tools",
  "call-tool",
  "list",
  "read",
  "complete",
  "subscribe",
  "task",
  "logging",
  "notification",
] as const;
export type MethodKind = (typeof METHOD_KINDS)[number];

/** judge: decided on name and arguments · filter: forwarded, the answer filtered · pass: forwarded · opt-in: denied unless configured. */
export type MethodRule = "judge" | "filter" | "pass" | "opt-in";

export interface Method {
  readonly kind: MethodKind;
  readonly rule: MethodRule;
  /** Whether the stateless era (2026-07-28) defines it, and whether the stateful ones do. */
  readonly modern: boolean;
  readonly legacy: boolean;
  /** Member of params that the Mcp-Name header must equal in the modern era. */
  readonly nameParam: "name" | "uri" | "taskId" | undefined;
}

const both = { modern: true, legacy: true } as const;
const modernOnly = { modern: true, legacy: false } as const;
const legacyOnly = { modern: false, legacy: true } as const;

type Row = readonly [
  name: string,
  kind: MethodKind,
  rule: MethodRule,
  eras: Pick<Method, "modern" | "legacy">,
  nameParam?: Method["nameParam"],
];

/** Methods that a client may send. Those that only servers send (sampling, elicitation, roots) are absent: from a client they are denied. */
const ROWS: readonly Row[] = [
  ["initialize", "session", "pass", legacyOnly],
  ["ping", "session", "pass", legacyOnly],
  ["server/discover", "session", "pass", modernOnly],
  ["tools/list", "list-tools", "filter", both],
  ["tools/call", "call-tool", "judge", both, "name"],
  ["resources/list", "list", "opt-in", both],
  ["resources/templates/list", "list", "opt-in", both],
  ["resources/read", "read", "opt-in", both, "uri"],
  ["prompts/list", "list", "opt-in", both],
  ["prompts/get", "read", "opt-in", both, "name"],
  ["completion/complete", "complete", "opt-in", both],
  ["resources/subscribe", "subscribe", "opt-in", legacyOnly],
  ["resources/unsubscribe", "subscribe", "opt-in", legacyOnly],
  ["subscriptions/listen", "subscribe", "opt-in", modernOnly],
  ["tasks/get", "task", "opt-in", both, "taskId"],
  ["tasks/update", "task", "opt-in", modernOnly, "taskId"],
  ["tasks/cancel", "task", "opt-in", both, "taskId"],
  ["tasks/result", "task", "opt-in", legacyOnly],
  ["tasks/list", "task", "opt-in", legacyOnly],
  ["logging/setLevel", "logging", "opt-in", legacyOnly],
  ["notifications/initialized", "notification", "pass", legacyOnly],
  ["notifications/cancelled", "notification", "pass", both],
  ["notifications/progress", "notification", "pass", legacyOnly],
  ["notifications/roots/list_changed", "notification", "pass", legacyOnly],
  ["notifications/tasks/status", "notification", "pass", legacyOnly],
];

const METHODS: ReadonlyMap<string, Method> = new Map(
  ROWS.map(([name, kind, rule, eras, nameParam]) => [name, { kind, rule, ...eras, nameParam }]),
);

/** The row of a method, matched exactly; undefined means: deny. */
export function findMethod(name: string): Method | undefined {
  return METHODS.get(name);
}

/** Every known method name, in the order of the table. */
export const METHOD_NAMES: readonly string[] = ROWS.map(([name]) => name);
