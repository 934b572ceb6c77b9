// postern halt: stops an agent, a tool, a token, a tenant or everybody at once, shows what is stopped, and lets go again.
import { createAdminClient, type Halt } from "@postern/client";
import { HaltScope } from "@postern/contracts";
import { columns } from "../columns.ts";
import { command, usage } from "../command.ts";
import { ADMIN_OPTIONS, type AdminConnection, adminConnection } from "../connection.ts";
import { parseSeconds } from "../duration.ts";
import { visible } from "../visible-text.ts";

const TARGET = "<scope> [<value>]";
const SCOPES =
  "Scopes: global and tenant take no value; agent takes an agent; tool a name or a glob; token a token's id, as it is presented;\n" +
  "subtree a token's id, with everything that is derived from it.";

export const haltList = command({
  name: "halt list",
  summary: "List the kill switches that are on.",
  usage: "",
  positionals: { min: 0, max: 0 },
  options: { all: { description: "Those that have ended, too." }, ...ADMIN_OPTIONS },
  example: "postern halt list",
  async run({ options }, { config }) {
    const { tenant, ...connection } = await adminConnection(options, config());
    const client = createAdminClient(connection);
    const state = options.all ? ("all" as const) : undefined;
    const found: Halt[] = [];
    let cursor: string | undefined;
    do {
      const page = await client.halts({ tenant, state, limit: 1000, cursor });
      found.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor !== undefined);
    const rows = found.map((halt) => [
      ...[halt.id, halt.tenant ?? "-", halt.scope, visible(halt.value) || "-", halt.state],
      ...[halt.expires_at ?? "-", visible(halt.reason)],
    ]);
    const head = ["ID", "TENANT", "SCOPE", "VALUE", "STATE", "EXPIRES", "REASON"];
    return { ok: true, json: found, text: columns([head, ...rows]) };
  },
});

export const haltEngage = command({
  name: "halt engage",
  summary: "Stop somebody or something at once.",
  usage: TARGET,
  details: `${SCOPES}\nThe reason is shown to whoever is stopped: nothing in it may be secret.`,
  positionals: { min: 1, max: 2 },
  options: {
    reason: { value: "TEXT", description: "Why.", required: true },
    for: { value: "TIME", description: "Ends by itself after so long, such as 15m; default: when released." },
    ...ADMIN_OPTIONS,
  },
  example: "postern halt engage agent billing-bot --reason 'wrong amounts' --for 2h",
  async run({ options, positionals }, { config }) {
    const { reason } = options;
    const ttl_seconds = options.for === undefined ? undefined : parseSeconds(options.for, "for");
    const connection = await adminConnection(options, config());
    const target = targetOf(positionals, options.tenant, connection);
    const halt = await createAdminClient(connection).engageHalt({ ...target, reason, ttl_seconds });
    const end = halt.expires_at === undefined ? "until it is released" : `until ${halt.expires_at}`;
    return { ok: true, json: halt, text: `Stopped ${labelOf(halt)} ${end}. Kill switch ${halt.id}.` };
  },
});

export const haltRelease = command({
  name: "halt release",
  summary: "Let go what a kill switch stops.",
  usage: `<id> | ${TARGET}`,
  details: SCOPES,
  positionals: { min: 1, max: 2 },
  options: { reason: { value: "TEXT", description: "Why.", required: true }, ...ADMIN_OPTIONS },
  example: "postern halt release agent billing-bot --reason fixed",
  async run({ options, positionals }, { config }) {
    const { reason } = options;
    const [named = ""] = positionals;
    const connection = await adminConnection(options, config());
    const client = createAdminClient(connection);
    if (!HaltScope.safeParse(named).success) {
      if (positionals.length > 1) throw usage(`the scope must be one of ${HaltScope.options.join(", ")}`);
      await client.releaseHalt(named, { reason });
      return { ok: true, json: { released: named }, text: `Released the kill switch ${named}.` };
    }
    const target = targetOf(positionals, options.tenant, connection);
    await client.releaseHaltOf({ ...target, reason });
    return { ok: true, json: { released: target }, text: `Released ${labelOf(target)}.` };
  },
});

interface Target {
  readonly scope: HaltScope;
  readonly value: string;
  readonly tenant: string | undefined;
}

/** Everybody is no tenant's: one that merely stands in the settings is left out. Raises Fault invalid "ctl.usage". */
function targetOf(
  [named, value = ""]: readonly string[],
  given: string | undefined,
  { tenant }: AdminConnection,
): Target {
  const scope = HaltScope.safeParse(named);
  if (!scope.success) throw usage(`the scope must be one of ${HaltScope.options.join(", ")}`);
  if (scope.data === "global" && given !== undefined) throw usage("the scope global is no tenant's");
  return { scope: scope.data, value, tenant: scope.data === "global" ? undefined : tenant };
}

function labelOf({ scope, value, tenant }: { scope: HaltScope; value: string; tenant?: string | undefined }) {
  if (scope === "global") return "everybody";
  const what = scope === "tenant" ? "everything" : `the ${scope} ${visible(value)}`;
  return tenant === undefined ? what : `${what} of tenant ${tenant}`;
}
