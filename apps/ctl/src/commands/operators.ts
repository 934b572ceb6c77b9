// postern operators: who may use the admin interface under a name of its own, and with which tokens. An operator is named by its name; its id
// does as well.
import { type AdminClient, createAdminClient, type Operator } from "@postern/client";
import { OperatorRole } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { columns } from "../columns.ts";
import { command, usage } from "../command.ts";
import { ADMIN_OPTIONS, type AdminConnection, adminConnection } from "../connection.ts";
import { parseSeconds } from "../duration.ts";
import { visible } from "../visible-text.ts";

const one = { min: 1, max: 1 } as const;
const ROLE = {
  role: {
    value: "ROLE",
    multiple: true,
    description: `What it may do: ${OperatorRole.options.join(", ")}; may be given several times.`,
  },
} as const;

export const whoami = command({
  name: "whoami",
  summary: "Show who the admin token is of, and what it may do.",
  usage: "",
  positionals: { min: 0, max: 0 },
  options: ADMIN_OPTIONS,
  example: "postern whoami",
  async run({ options }, { config }) {
    const me = await createAdminClient(await adminConnection(options, config())).me();
    const text = columns([
      ["Name", me.name],
      ["Tenant", me.tenant ?? "-"],
      ["Roles", me.roles.join(", ") || "-"],
      ["May", me.permissions.join(", ")],
      ["Until", me.expires_at ?? "-"],
    ]);
    return { ok: true, json: me, text };
  },
});

export const operators = command({
  name: "operators",
  summary: "List the operators.",
  usage: "",
  positionals: { min: 0, max: 0 },
  options: ADMIN_OPTIONS,
  example: "postern operators --tenant acme",
  async run({ options }, { config }) {
    const connection = await adminConnection(options, config());
    const found = await allOperators(createAdminClient(connection), connection);
    const rows = found.map((each) => [
      ...[each.tenant, each.name, each.roles.join(",") || "-", each.roles_from ?? "-"],
      ...[each.identity === undefined ? "-" : visible(each.identity.subject), each.id],
    ]);
    const head = ["TENANT", "NAME", "ROLES", "FROM", "SUBJECT", "ID"];
    return { ok: true, json: found, text: columns([head, ...rows]) };
  },
});

export const operatorsAdd = command({
  name: "operators add",
  summary: "Add an operator.",
  usage: "<name> --role ROLE",
  details: "The name never changes, and is never given to another, also after the operator was removed.",
  positionals: one,
  options: {
    ...ROLE,
    issuer: { value: "URL", description: "Its identity provider; only together with --subject." },
    subject: { value: "SUB", description: "Who it is there." },
    ...ADMIN_OPTIONS,
  },
  example: "postern operators add ci-deploy --role operator",
  async run({ options, positionals: [name = ""] }, { config }) {
    const { issuer, subject } = options;
    if ((issuer === undefined) !== (subject === undefined))
      throw usage("give --issuer and --subject together");
    const identity = issuer === undefined || subject === undefined ? undefined : { issuer, subject };
    const roles = rolesFrom(options.role);
    const connection = await adminConnection(options, config());
    const { tenant } = connection;
    const added = await createAdminClient(connection).addOperator({ name, roles, identity, tenant });
    const text = `Added ${added.name} (${added.roles.join(", ")}) to tenant ${added.tenant}; a token: postern operators issue ${added.name}`;
    return { ok: true, json: added, text };
  },
});

export const operatorsRoles = command({
  name: "operators roles",
  summary: "Give an operator other roles, from its next request on.",
  usage: "<name> --role ROLE",
  positionals: one,
  options: { ...ROLE, ...ADMIN_OPTIONS },
  example: "postern operators roles alice --role viewer --role approver",
  async run({ options, positionals: [name = ""] }, { config }) {
    const roles = rolesFrom(options.role);
    const connection = await adminConnection(options, config());
    const client = createAdminClient(connection);
    const { id, tenant } = await findOperator(client, connection, name);
    const changed = await client.changeOperator(id, { roles }, { tenant });
    return { ok: true, json: changed, text: `${changed.name} is now ${changed.roles.join(", ")}.` };
  },
});

export const operatorsRemove = command({
  name: "operators remove",
  summary: "Remove an operator for good.",
  usage: "<name>",
  details: "Its tokens and sessions are refused from now on.",
  positionals: one,
  options: ADMIN_OPTIONS,
  example: "postern operators remove alice",
  async run({ options, positionals: [named = ""] }, { config }) {
    const connection = await adminConnection(options, config());
    const client = createAdminClient(connection);
    const { id, name, tenant } = await findOperator(client, connection, named);
    await client.removeOperator(id, { tenant });
    return { ok: true, json: { removed: id, name }, text: `${name} is removed.` };
  },
});

export const operatorsIssue = command({
  name: "operators issue",
  summary: "Issue a token for an operator, shown once.",
  usage: "<name>",
  details: "To rotate: issue a second one, put it to use, and revoke the first.",
  positionals: one,
  options: {
    label: { value: "TEXT", description: "What it is for." },
    ttl: { value: "TIME", description: "Lifetime, such as 90d; without it, until it is revoked." },
    ...ADMIN_OPTIONS,
  },
  example: "postern operators issue ci-deploy --label pipeline --ttl 90d",
  async run({ options, positionals: [named = ""] }, { config }) {
    const { label, ttl } = options;
    const ttl_seconds = ttl === undefined ? undefined : parseSeconds(ttl, "ttl");
    const connection = await adminConnection(options, config());
    const client = createAdminClient(connection);
    const { id, name, tenant } = await findOperator(client, connection, named);
    const issued = await client.issueOperatorToken(id, { label, ttl_seconds }, { tenant });
    const end = issued.expires_at === undefined ? "until it is revoked" : `until ${issued.expires_at}`;
    return { ok: true, json: issued, text: `Token ${issued.id} of ${name}, ${end}:\n${issued.token}` };
  },
});

export const operatorsTokens = command({
  name: "operators tokens",
  summary: "List an operator's tokens and sessions.",
  usage: "<name>",
  positionals: one,
  options: ADMIN_OPTIONS,
  example: "postern operators tokens alice",
  async run({ options, positionals: [named = ""] }, { config }) {
    const connection = await adminConnection(options, config());
    const client = createAdminClient(connection);
    const { id, tenant } = await findOperator(client, connection, named);
    const found = await client.operatorTokens(id, { tenant });
    const rows = found.map((token) => [
      ...[
        token.id,
        token.kind,
        visible(token.label) || "-",
        token.created_at ?? "-",
        token.expires_at ?? "-",
      ],
    ]);
    return { ok: true, json: found, text: columns([["ID", "KIND", "LABEL", "CREATED", "EXPIRES"], ...rows]) };
  },
});

export const operatorsRevoke = command({
  name: "operators revoke",
  summary: "Revoke a token of an operator, or end a session.",
  usage: "<name> <token id>",
  positionals: { min: 2, max: 2 },
  options: ADMIN_OPTIONS,
  example: "postern operators revoke alice 0198c5a0-0000-7000-8000-000000000000",
  async run({ options, positionals: [named = "", tokenId = ""] }, { config }) {
    const connection = await adminConnection(options, config());
    const client = createAdminClient(connection);
    const { id, name, tenant } = await findOperator(client, connection, named);
    await client.revokeOperatorToken(id, tokenId, { tenant });
    return { ok: true, json: { revoked: tokenId, name }, text: `Token ${tokenId} of ${name} is revoked.` };
  },
});

function rolesFrom(given: readonly string[]): readonly OperatorRole[] {
  if (given.length === 0) throw usage("--role is required");
  return given.map((text) => {
    const role = OperatorRole.safeParse(text);
    if (role.success) return role.data;
    throw usage(`--role must be one of ${OperatorRole.options.join(", ")}`);
  });
}

async function allOperators(client: AdminClient, { tenant }: AdminConnection): Promise<Operator[]> {
  const found: Operator[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.operators({ tenant, limit: 1000, cursor });
    found.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== undefined);
  return found;
}

/** Raises Fault invalid "ctl.usage", not_found "ctl.operator". */
async function findOperator(
  client: AdminClient,
  connection: AdminConnection,
  named: string,
): Promise<Operator> {
  const found = (await allOperators(client, connection)).filter(
    ({ id, name }) => id === named || name === named,
  );
  const [only] = found;
  if (found.length > 1) throw usage("several tenants have an operator of this name: give --tenant");
  if (only !== undefined) return only;
  throw new Fault("not_found", "ctl.operator", `There is no operator ${named}.`);
}
