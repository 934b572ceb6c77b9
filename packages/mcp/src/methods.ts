// Every MCP method that Postern knows, in both protocol eras, with what kind of thing it asks for. A method that is not listed is denied:
// what is not understood is not forwarded.

/**
 * session: opens, describes or keeps up the connection · list: says what there is · call-tool: runs a tool ·
 * read, complete: data beside tools · subscribe: asks for a stream of changes · task: long-running work, bound by its id ·
 * logging: changes what the server reports · notification: tells, asks nothing.
 */
export const METHOD_KINDS = [
  "session",
  "list",
  "call-tool",
  "read",
  "complete",
  "subscribe",
  "task",
  "logging",
  "notification",
] as const;
export type MethodKind = (typeof METHOD_KINDS)[number];

/**
 * judge: decided on what it asks for · filter: forwarded, the answer filtered by the same judge · bound: forwarded for whoever began what it
 * names · pass: forwarded.
 */
export type MethodRule = "judge" | "filter" | "bound" | "pass";

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
  ["tools/list", "list", "filter", both],
  ["tools/call", "call-tool", "judge", both, "name"],
  ["resources/list", "list", "filter", both],
  ["resources/templates/list", "list", "filter", both],
  ["resources/read", "read", "judge", both, "uri"],
  ["prompts/list", "list", "filter", both],
  ["prompts/get", "read", "judge", both, "name"],
  ["completion/complete", "complete", "judge", both],
  ["resources/subscribe", "subscribe", "judge", legacyOnly],
  ["resources/unsubscribe", "subscribe", "judge", legacyOnly],
  ["subscriptions/listen", "subscribe", "judge", modernOnly],
  ["tasks/get", "task", "bound", both, "taskId"],
  ["tasks/update", "task", "bound", modernOnly, "taskId"],
  ["tasks/cancel", "task", "bound", both, "taskId"],
  ["tasks/result", "task", "bound", legacyOnly],
  ["tasks/list", "task", "filter", legacyOnly],
  ["logging/setLevel", "logging", "judge", legacyOnly],
  ["notifications/initialized", "notification", "pass", legacyOnly],
  ["notifications/cancelled", "notification", "pass", both],
  ["notifications/progress", "notification", "pass", legacyOnly],
  ["notifications/roots/list_changed", "notification", "pass", legacyOnly],
  ["notifications/tasks/status", "notification", "pass", legacyOnly],
];

const METHODS: ReadonlyMap<string, Method> = new Map(
  ROWS.map(([name, kind, rule, eras, nameParam]) => [name, { kind, rule, ...eras, nameParam }]),
);

/** The row of a method, matched exactly; undefined means: deny. In an era that does not define it, a method is as unknown as any other. */
export function findMethod(name: string, era?: "modern" | "legacy"): Method | undefined {
  const method = METHODS.get(name);
  return era === undefined || method?.[era] ? method : undefined;
}

/** Every known method name, in the order of the table. */
export const METHOD_NAMES: readonly string[] = ROWS.map(([name]) => name);
