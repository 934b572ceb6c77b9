// postern approvals: the calls that wait for a person, each as the person must see it, and the decision.
import { createAdminClient } from "@postern/client";
import { columns } from "../columns.ts";
import { command } from "../command.ts";
import { ADMIN_OPTIONS, adminConnection } from "../connection.ts";
import { visible, visibleJson } from "../visible-text.ts";

type Approval = Awaited<ReturnType<ReturnType<typeof createAdminClient>["approval"]>>;

/** What was parked is long; a line shows its beginning. */
const ARGUMENTS_SHOWN = 60;

export const approvals = command({
  name: "approvals",
  summary: "List the calls that wait for a person.",
  usage: "",
  positionals: { min: 0, max: 0 },
  options: ADMIN_OPTIONS,
  example: "postern approvals",
  async run({ options }, { config }) {
    const { tenant, ...connection } = await adminConnection(options, config());
    const client = createAdminClient(connection);
    const found: Approval[] = [];
    let cursor: string | undefined;
    do {
      const page = await client.approvals({ tenant, limit: 1000, cursor });
      found.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor !== undefined);
    if (found.length === 0) return { ok: true, json: found, text: "No call waits for a person." };
    const rows = found.map((each) => [
      ...[each.id, each.tenant, visible(each.agent_id), visible(each.tool), shortened(each)],
      each.expires_at ?? "-",
    ]);
    const head = ["ID", "TENANT", "AGENT", "TOOL", "ARGUMENTS", "UNTIL"];
    return { ok: true, json: found, text: columns([head, ...rows]) };
  },
});

export const approvalsShow = command({
  name: "approvals show",
  summary: "Show one call whole, as it would be made.",
  usage: "<id>",
  positionals: { min: 1, max: 1 },
  options: ADMIN_OPTIONS,
  example: "postern approvals show 01a2b3c4",
  async run({ options, positionals: [id = ""] }, { config }) {
    const { tenant: _, ...connection } = await adminConnection(options, config());
    const found = await createAdminClient(connection).approval(id);
    return { ok: true, json: found, text: whole(found) };
  },
});

export const approvalsApprove = decision(
  "approve",
  "Let one exact call run, once.",
  "postern approvals approve 01a2b3c4 --reason 'known payee'",
);
export const approvalsReject = decision(
  "reject",
  "Refuse a call; its caller is shown the reason.",
  "postern approvals reject 01a2b3c4 --reason 'unknown payee'",
);

function decision(verb: "approve" | "reject", summary: string, example: string) {
  return command({
    name: `approvals ${verb}`,
    summary,
    usage: "<id>",
    details: "Look at the call first: postern approvals show <id>.",
    positionals: { min: 1, max: 1 },
    options: { reason: { value: "TEXT", description: "Why." }, ...ADMIN_OPTIONS },
    example,
    async run({ options, positionals: [id = ""] }, { config }) {
      const { tenant: _, ...connection } = await adminConnection(options, config());
      const client = createAdminClient(connection);
      await client.decideApproval(id, { decision: verb, reason: options.reason });
      const after = await client.approval(id);
      return { ok: true, json: after, text: standing(after) };
    },
  });
}

/** One yes may not be enough. */
function standing({ id, status, approvals_given: given = 0, approvals_required: required = 1 }: Approval) {
  return status === "pending"
    ? `Noted. The call ${id} still waits: ${given} of ${required} people said yes.`
    : `The call ${id} is ${status}.`;
}

function shortened({ arguments: args }: Approval): string {
  const text = visibleJson(args);
  return text.length > ARGUMENTS_SHOWN ? `${text.slice(0, ARGUMENTS_SHOWN)}…` : text;
}

function whole(found: Approval): string {
  const rows = [
    ["status", found.status ?? ""],
    ["tenant", found.tenant],
    ["agent", visible(found.agent_id)],
    ["token", found.capability_token_id],
    ["tool", visible(found.tool)],
    ["upstream", visible(found.upstream ?? "")],
    ["rule", visible(found.escalating_rule)],
    ["why", visible(found.reason ?? "")],
    ["declared intent", visible(found.intent_summary ?? "")],
    ["parked", found.created_at],
    ["until", found.expires_at ?? ""],
    ["approvals", `${found.approvals_given ?? 0} of ${found.approvals_required ?? 1}`],
    ["digest", found.digest ?? ""],
  ];
  return `${columns(rows)}\narguments\n${visibleJson(found.arguments, 2)}`;
}
