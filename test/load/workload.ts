// What every line of the bench is asked: calls of ten tools, 0.4 KB each, no two alike, under a token with three caveats and a policy of
// sixty rules that read the arguments, so that nothing between the socket and the tool server has an easy day.
import type { Caveat } from "@postern/contracts";

const TOOLS: readonly string[] = Array.from({ length: 10 }, (_, n) => `read_records_${n}`);

/** A tool allow-list, a condition on the arguments, and a budget that no run uses up. */
export const CAVEATS: readonly Caveat[] = [
  { type: "tool_allow", tools: ["read_records_*"] },
  { type: "arguments", predicates: [{ op: "lt", path: "/amount", value: 1_000_000 }] },
  { type: "max_calls", limit: 1_000_000_000 },
];

/** Calls for all tools, so that the intent check allows each of them. */
export const INTENT_PROMPT = `Look through the records with ${TOOLS.join(", ")} and tell me what they have in common.`;

/** The JSON-RPC request number `n`, about 0.4 KB. */
export function callBody(n: number): string {
  const { method, params } = callOf(n);
  return `{"jsonrpc":"2.0","id":${n},"method":"${method}","params":${JSON.stringify(params)}}`;
}

export function callOf(n: number) {
  const args = {
    path: `/projects/atlas/2026/report-${n}.json`,
    query: `status:open owner:team-${n % 97} after:2026-01-${String((n % 28) + 1).padStart(2, "0")}`,
    region: n % 2 === 0 ? "eu-central" : "eu-west",
    amount: n % 100_000,
    fields: ["id", "title", "state", "owner"],
    note: `Call ${n} of the bench: distinct arguments, as an agent at work would send them, and no two alike.`,
  };
  return { method: "tools/call", params: { name: TOOLS[n % TOOLS.length] ?? "", arguments: args } };
}

const RESULT = JSON.stringify({
  content: [{ type: "text", text: "All of it was read, and none of it was remarkable. ".repeat(18) }],
});

/** The upstream's answer to any request, about 1 KB. `idText` is the JSON text of the request's id. */
export const answerBody = (idText: string): string => `{"jsonrpc":"2.0","id":${idText},"result":${RESULT}}`;

/** Sixty rules, six for each tool, all of which a call has to get past. */
export function policyOfSixtyRules(): string {
  const conditions = [
    "input.args.amount > 500000",
    'startswith(input.args.path, "/secret/")',
    'contains(input.args.query, "password")',
    'not input.args.region in {"eu-central", "eu-west"}',
    "count(input.args.fields) > 16",
    'endswith(input.args.path, ".key")',
  ];
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
