// The lists of the admin door over a large history: what was there before counts, so it is written straight into the tables, in the shape that
// the service writes. Its hashes are none; nothing here verifies the chain.
import { buildEvent, createTree } from "@postern/audit";
import postgres from "postgres";
import { type CallsResult, measureCalls } from "./calls.ts";
import { type Plane, TENANT } from "./plane.ts";

export interface ListsPlan {
  readonly events: number;
  readonly tokens: number;
  readonly requests: number;
  readonly timeMs: number;
}

export interface Lists {
  readonly results: readonly CallsResult[];
  /** How Postgres answers each of them: its plan as text. */
  readonly plans: readonly { readonly title: string; readonly plan: string }[];
}

const CONNECTIONS = 8;
const INSTANT = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"';
const LEAF = Buffer.alloc(32);
/** What all of them have alike. */
const EVENT = buildEvent({
  ts: new Date(0).toISOString(),
  ...{
    event: "intentgate.tool_call",
    decision: "allow",
    tenant: TENANT,
    agent_id: "",
    tool: "",
    event_id: "x",
  },
  ...{ outcome: "executed", method: "tools/call", upstream: "bench", arg_keys: ["path", "mode"] },
});

export async function measureLists(plane: Plane, plan: ListsPlan): Promise<Lists> {
  const sql = postgres(plane.databaseUrl, { max: 1, onnotice: () => {} });
  try {
    await fill(sql, plan);
    const results: CallsResult[] = [];
    for (const [title, path] of await questions(plane)) {
      results.push(
        await measureCalls({
          ...{ title, method: "GET", status: 200, connections: CONNECTIONS },
          ...{ url: plane.replica.url, token: plane.token, pid: plane.replica.process.pid },
          ...{ requests: plan.requests, timeMs: plan.timeMs, path },
        }),
      );
    }
    return { results, plans: await explain(sql) };
  } finally {
    await sql.end();
  }
}

/** `?` is never part of these: page sizes are as a console asks for them. */
async function questions(plane: Plane): Promise<readonly (readonly [string, (n: number) => string])[]> {
  const { admin } = plane;
  const deep = await cursorAfter(plane, 20);
  const audit = (query: string) => `/v1/admin/audit?tenant=${TENANT}&limit=50${query}`;
  const { items } = await admin.audit({ tenant: TENANT, limit: 1 });
  const at = Date.parse(items[0]?.ts ?? "");
  const hourAgo = new Date(at - 3_600_000).toISOString();
  return [
    ["readiness (no list: the baseline)", () => "/readyz"],
    ["audit, newest", () => audit("")],
    ["audit, a page further back", () => audit(`&cursor=${deep}`)],
    ["audit, of one tool", (n) => audit(`&tool=tool_${n % 200}`)],
    ["audit, of one agent", (n) => audit(`&subject=agent-${n % 1_000}`)],
    ["audit, blocked only", () => audit("&decision=block")],
    ["audit, a tool that was never called", () => audit("&tool=never")],
    ["audit, an hour of one tool", (n) => audit(`&tool=tool_${n % 200}&since=${hourAgo}`)],
    ["revocations", () => `/v1/admin/revocations?tenant=${TENANT}&limit=50`],
    ["approvals", () => `/v1/admin/approvals?tenant=${TENANT}&limit=50`],
    ["tenants", () => "/v1/admin/tenants"],
  ];
}

async function cursorAfter({ admin }: Plane, pages: number): Promise<string> {
  let cursor: string | undefined;
  for (let page = 0; page < pages; page += 1)
    cursor = (await admin.audit({ tenant: TENANT, limit: 1_000, cursor })).next_cursor;
  return cursor ?? "";
}

async function fill(sql: postgres.Sql, { events, tokens }: ListsPlan): Promise<void> {
  const [chain] = await sql`select size, tree from audit_chains where tenant = ${TENANT}`;
  const from = Number(chain?.size ?? 0);
  // The service goes on appending, so that the tree must have as many leaves as there are events.
  const tree = createTree(JSON.parse(String(chain?.tree)));
  for (let leaf = 0; leaf < events; leaf += 1) tree.append(LEAF);
  await sql`
    insert into audit_events
      (tenant, idx, event_id, ts, decision, tool, agent_id, event, prev_hash, hash, args_salt)
    select ${TENANT}, n, 'bench-' || n, at, decision, tool, agent,
      (${JSON.stringify(EVENT)}::text::jsonb || jsonb_build_object('agent_id', agent, 'decision', decision,
        'event_id', 'bench-' || n, 'tool', tool, 'ts', to_char(at at time zone 'UTC', ${INSTANT})))::text,
      repeat('0', 64), md5(n::text) || md5(n::text), null
    from (
      select n, now() - (${from + events}::int - n) * interval '100 milliseconds' as at,
        case when n % 20 = 0 then 'block' else 'allow' end as decision,
        'tool_' || (n::bigint * 7919) % 200 as tool, 'agent-' || (n::bigint * 104729) % 1000 as agent
      from generate_series(${from}::int, ${from + events - 1}::int) as n
    ) as made`;
  await sql`
    update audit_chains set size = ${tree.size}, tree = ${JSON.stringify(tree.state())} where tenant = ${TENANT}`;
  const [list] =
    await sql`select coalesce(max(version), 0) as version from revocations where tenant = ${TENANT}`;
  const version = Number(list?.version ?? 0);
  await sql`
    insert into capabilities (tenant, jti, subject, issuer, kid, issued_at, expires_at, caveats, attenuable, issued_by)
    select ${TENANT}, 'token-' || n, 'agent-' || n, 'bench', 'none', now(), null, '[]', false, 'bench'
    from generate_series(1, ${tokens}::int) as n`;
  await sql`
    insert into revocations (tenant, jti, version, revoked_at, reason, revoked_by)
    select ${TENANT}, 'token-' || n, ${version} + n, now() - n * interval '1 second', '', 'bench'
    from generate_series(1, ${tokens}::int) as n`;
  await sql`
    insert into revocation_versions (tenant, version) values (${TENANT}, ${version + tokens})
    on conflict (tenant) do update set version = excluded.version`;
  await sql`analyze`;
}

/** Of the queries behind the lists, in the words of the stores. */
async function explain(sql: postgres.Sql): Promise<Lists["plans"]> {
  const page = "order by idx desc limit 51";
  const of = (where: string) =>
    `select * from audit_events where tenant = '${TENANT}' ${where === "" ? "" : `and ${where} `}${page}`;
  const queries: readonly (readonly [string, string])[] = [
    ["audit, newest", of("")],
    ["audit, of one tool", of("tool = 'tool_7'")],
    ["audit, of one agent", of("agent_id = 'agent-7'")],
    ["audit, blocked only", of("decision = 'block'")],
    ["audit, a tool that was never called", of("tool = 'never'")],
    ["audit, an hour of one tool", of("tool = 'tool_7' and ts >= now() - interval '1 hour'")],
    [
      "revocations",
      `select * from revocations where tenant = '${TENANT}' order by revoked_at desc, tenant desc, jti desc limit 51`,
    ],
  ];
  const plans = [];
  for (const [title, query] of queries) {
    const rows = await sql.unsafe(`explain (analyze, buffers, costs off, timing off, summary on) ${query}`);
    plans.push({ title, plan: rows.map((row) => String(row["QUERY PLAN"])).join("\n") });
  }
  return plans;
}
