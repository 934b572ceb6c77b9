// postern tools: what the upstreams offer, what of it is approved, and the decisions about it. A definition is approved by the digest that
// `tools diff` shows, so that nobody approves what has come in its place meanwhile.
import { type AdminClient, createAdminClient, type Tool, type ToolDetail } from "@postern/client";
import { PinMode, ToolStatus } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { columns } from "../columns.ts";
import { command, usage } from "../command.ts";
import { ADMIN_OPTIONS, type AdminConnection, adminConnection } from "../connection.ts";
import { visible, visibleJson } from "../visible-text.ts";

const NAMED = "<upstream>/<tool>";
const one = { min: 1, max: 1 } as const;

export const tools = command({
  name: "tools",
  summary: "List the tools that were seen, and what of them is approved.",
  usage: "",
  positionals: { min: 0, max: 0 },
  options: {
    upstream: { value: "NAME", description: "Only this upstream's." },
    status: { value: "STATUS", description: `Only ${ToolStatus.options.join(", ")} ones.` },
    ...ADMIN_OPTIONS,
  },
  example: "postern tools --status quarantined",
  async run({ options }, { config }) {
    const { upstream } = options;
    const status = options.status === undefined ? undefined : oneOf(ToolStatus, options.status, "--status");
    const connection = await adminConnection(options, config());
    const found = await allTools(createAdminClient(connection), connection, { upstream, status });
    const rows = found.map((tool) => [
      visible(`${tool.upstream}/${tool.name}`),
      tool.status,
      tool.held_by ?? "-",
      tool.flags.join(",") || "-",
      tool.waiting_digest?.slice(0, 12) ?? "-",
    ]);
    return {
      ok: true,
      json: found,
      text: columns([["TOOL", "STATUS", "HELD BY", "FLAGS", "WAITING"], ...rows]),
    };
  },
});

export const toolsDiff = command({
  name: "tools diff",
  summary: "Show what is approved of a tool, what waits, and what differs.",
  usage: NAMED,
  details: "Characters that nobody would see are written as \\u{…}.",
  positionals: one,
  options: ADMIN_OPTIONS,
  example: "postern tools diff files/read_file",
  async run({ options, positionals: [named = ""] }, { config }) {
    const connection = await adminConnection(options, config());
    const tool = await findTool(createAdminClient(connection), connection, named);
    return { ok: true, json: tool, text: describe(tool) };
  },
});

export const toolsApprove = command({
  name: "tools approve",
  summary: "Approve a definition of a tool, and no other.",
  usage: NAMED,
  details:
    "Refused when another definition waits by then (exit code 2): look at it with `postern tools diff`.",
  positionals: one,
  options: {
    digest: { value: "SHA256", description: "The definition, as `tools diff` shows it.", required: true },
    reason: { value: "TEXT", description: "Why, for the audit log." },
    keep: { description: "Leave what was approved before approved too." },
    ...ADMIN_OPTIONS,
  },
  example: `postern tools approve files/read_file --digest ${"0f".repeat(32)}`,
  async run({ options, positionals: [named = ""] }, { config }) {
    const { digest, reason, keep } = options;
    const connection = await adminConnection(options, config());
    const client = createAdminClient(connection);
    const { id } = await findTool(client, connection, named);
    const tool = await client.approveTool(id, { digest, reason, keep }, { tenant: connection.tenant });
    return { ok: true, json: tool, text: `Approved ${labelOf(tool)} as ${digest}.` };
  },
});

export const toolsQuarantine = command({
  name: "tools quarantine",
  summary: "Take a tool out of use until it is approved again.",
  usage: NAMED,
  positionals: one,
  options: { reason: { value: "TEXT", description: "Why, for the audit log." }, ...ADMIN_OPTIONS },
  example: "postern tools quarantine files/read_file --reason 'odd answers'",
  async run({ options, positionals: [named = ""] }, { config }) {
    const connection = await adminConnection(options, config());
    const client = createAdminClient(connection);
    const { id } = await findTool(client, connection, named);
    const { reason } = options;
    const tool = await client.quarantineTool(id, { reason, tenant: connection.tenant });
    return { ok: true, json: tool, text: `${labelOf(tool)} is out of use, whatever its definition.` };
  },
});

export const toolsMode = command({
  name: "tools mode",
  summary: "Show or choose which tools need approval.",
  usage: "[trust_first | approve_all | off]",
  details:
    "trust_first: the first definition of a tool is approved by being seen, another one waits.\n" +
    "approve_all: every definition waits; what is approved already stays.\n" +
    "off: what is seen is noted, and nothing is held back.",
  positionals: { min: 0, max: 1 },
  options: ADMIN_OPTIONS,
  example: "postern tools mode approve_all",
  async run({ options, positionals: [wanted] }, { config }) {
    const mode = wanted === undefined ? undefined : oneOf(PinMode, wanted, "the mode");
    const connection = await adminConnection(options, config());
    const { tenant } = connection;
    const client = createAdminClient(connection);
    const told =
      mode === undefined ? await client.toolMode({ tenant }) : await client.setToolMode({ tenant, mode });
    return { ok: true, json: told, text: `${told.tenant}: ${told.mode}` };
  },
});

interface Filter {
  readonly upstream?: string | undefined;
  readonly status?: ToolStatus | undefined;
}

async function allTools(client: AdminClient, { tenant }: AdminConnection, filter: Filter): Promise<Tool[]> {
  const found: Tool[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.tools({ tenant, ...filter, limit: 1000, cursor });
    found.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== undefined);
  return found;
}

/** Raises Fault invalid "ctl.usage", not_found "ctl.tool". */
async function findTool(
  client: AdminClient,
  connection: AdminConnection,
  named: string,
): Promise<ToolDetail> {
  const slash = named.indexOf("/");
  if (slash < 1 || slash === named.length - 1)
    throw usage(`name the tool as ${NAMED}, as \`postern tools\` shows it`);
  const [upstream, name] = [named.slice(0, slash), named.slice(slash + 1)];
  const offered = await allTools(client, connection, { upstream });
  // An odd name can be given as it is shown.
  const tool =
    offered.find((each) => each.name === name) ?? offered.find((each) => visible(each.name) === name);
  if (tool === undefined) {
    throw new Fault(
      "not_found",
      "ctl.tool",
      `No tool ${visible(named)} was seen; \`postern tools\` lists those that were.`,
    );
  }
  return await client.tool(tool.id, { tenant: connection.tenant });
}

function describe(tool: ToolDetail): string {
  const { approved_digests, waiting_digest, differences, waiting, approved } = tool;
  const head = [`${labelOf(tool)}: ${tool.status}${tool.held_by === undefined ? "" : ` (${tool.held_by})`}`];
  if (tool.flags.length > 0) head.push(`flags     ${tool.flags.join(", ")}`);
  for (const digest of approved_digests) head.push(`approved  ${digest}`);
  if (waiting_digest !== undefined) head.push(`waiting   ${waiting_digest}`);
  const changes = differences?.flatMap(({ pointer, before, after }) => [
    visible(pointer) || "/",
    ...(before === undefined ? [] : [`  - ${visibleJson(before)}`]),
    ...(after === undefined ? [] : [`  + ${visibleJson(after)}`]),
  ]);
  const whole = waiting ?? approved;
  const body =
    changes ?? (whole === undefined ? ["The definition was too large to be kept."] : [visibleJson(whole, 2)]);
  const cut = tool.differences_whole === false ? ["There are more differences than are told."] : [];
  return [...head, "", ...body, ...cut].join("\n");
}

const labelOf = ({ upstream, name }: Tool): string => visible(`${upstream}/${name}`);

/** Raises Fault invalid "ctl.usage". */
function oneOf<T extends string>(
  allowed: { readonly options: readonly T[] },
  given: string,
  what: string,
): T {
  const found = allowed.options.find((option) => option === given);
  if (found === undefined) throw usage(`${what} must be one of ${allowed.options.join(", ")}`);
  return found;
}
