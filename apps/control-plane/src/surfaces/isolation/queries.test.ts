// No query on behalf of one tenant can return, or change, another tenant's row (P9). Every statement that reaches the database is looked at:
// it must be tied to the tenant by its text, nothing of another tenant may come back, and what another tenant has must stay as it is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { OperatorRole } from "@postern/contracts";
import { ACME, SUPERADMIN } from "../../control-plane.fixture.ts";
import { parkedCall } from "../../domain/approvals/parked-call.fixture.ts";
import { pretendedSpool } from "../../domain/intake/spool.fixture.ts";
import { regoDigest } from "../../domain/policies/model.ts";
import { SYSTEM_TENANT } from "../../domain/tenants/model.ts";
import { ADMIN_ROWS, FLEET_ROWS, type Row, type Sample } from "../rows.fixture.ts";
import { digestsOf, type Statement, tenantTables, watchStatements } from "./statements.fixture.ts";
import { forgetful, looseEnd } from "./tenant-condition.fixture.ts";
import { RESOURCE, type TwoTenants, twoTenants } from "./two-tenants.fixture.ts";

/** Whom a statement for acme may name: acme, and where everybody is meant the control plane itself. */
const ALSO_OF_EVERYBODY: ReadonlySet<string> = new Set(["halts", "halt_versions"]);
const mayName = (table: string, tenant: unknown) =>
  tenant === "acme" || (tenant === SYSTEM_TENANT && ALSO_OF_EVERYBODY.has(table));

/** Rows that nobody gets through here, and what stands in for that. */
const UNREACHED: Readonly<Record<string, string>> = {
  tenant_create: "makes a tenant: it is about none of those that there are",
};

/** Reads first, ends of things last, so that each row still finds what it is about. */
const LATE = /_(complete|stop|release|release_target|remove|revoke|clear|rollback|end)$/;
/** After these less is found, or less may be done alone. */
const LAST: ReadonlySet<string> = new Set(["operator_remove", "settings_change"]);
const lateness = ({ id, method }: Row) =>
  method === "GET"
    ? 0
    : LAST.has(id)
      ? 5
      : method === "DELETE"
        ? 4
        : id === "policy_promote"
          ? 1
          : LATE.test(id)
            ? 3
            : 2;
const ADMIN_ORDER = ADMIN_ROWS.toSorted((a, b) => lateness(a) - lateness(b));

test("every statement on behalf of a tenant is tied to it, returns nothing of another one's, and changes nothing of it", async (t) => {
  const two = await twoTenants(t);
  if (two === undefined) return;
  const { plane, things } = two;
  const tables = await tenantTables(plane.database);
  const tokens = await operatorTokens(two);
  const secrets = secretsOf(two);
  const before = await digestsOf(plane.database, "beta");
  const seen = watchStatements(plane.database);
  const reached = new Set<string>();
  const touched = new Set<string>();
  const texts = new Map<string, Statement>();
  let statements = 0;

  async function follow(row: Row, samples: AsyncIterable<Sample> | Iterable<Sample>, token: string) {
    for await (const sample of samples) {
      seen.length = 0;
      const answer = await two?.call(row, sample, token);
      assert.ok(answer !== undefined && answer.status < 500, `${row.id}: ${answer?.text}`);
      for (const each of seen) judge(row, each);
      if (answer.json !== undefined) assertNothingOf(secrets, answer.text, `${row.id} answers`);
      statements += seen.length;
      if (answer.status < 300) reached.add(row.id);
    }
  }
  function judge({ id }: Row, statement: Statement): void {
    assert.equal(looseEnd(statement, tables, mayName), undefined, `${id}: ${statement.text}`);
    assertNothingOf(secrets, shown(statement.rows), `${id}: ${statement.text}`);
    for (const table of tables) if (statement.text.includes(table)) touched.add(table);
    texts.set(statement.text, statement);
  }

  for (const row of FLEET_ROWS) {
    if (row.id !== "fleet_sync") await follow(row, await fleetCalls(two, row), things.acme.credential);
  }
  seen.length = 0;
  await hearStates(two);
  for (const each of seen) judge({ id: "fleet_sync" } as Row, each);
  reached.add("fleet_sync");
  for (const token of [...tokens, ACME, SUPERADMIN]) {
    for (const row of ADMIN_ORDER) {
      // The superadmin stands above tenants: it is followed only where nobody else may go.
      if (token === SUPERADMIN && (row.permission !== "superadmin" || row.id in UNREACHED)) continue;
      await follow(row, adminCalls(two, row, token), token);
    }
  }

  t.diagnostic(`${statements} statements of ${ADMIN_ROWS.length + FLEET_ROWS.length} rows`);
  const unreached = [...ADMIN_ROWS, ...FLEET_ROWS].filter(({ id }) => !reached.has(id) && !(id in UNREACHED));
  assert.deepEqual(
    unreached.map(({ id }) => id),
    [],
  );
  assert.deepEqual(
    [...tables].filter((table) => !touched.has(table)),
    [],
  );
  let forgotten = 0;
  for (const { text, params } of texts.values())
    for (const wrong of forgetful({ text })) {
      forgotten += 1;
      assert.notEqual(looseEnd({ text: wrong, params }, tables, mayName), undefined, wrong);
    }
  t.diagnostic(`${texts.size} texts; ${forgotten} that forget the tenant would all have been seen`);
  assert.deepEqual(await digestsOf(plane.database, "beta"), before);
});

/** Tokens of acme's operators, one of each role, the mightiest last. */
async function operatorTokens({ plane }: TwoTenants): Promise<readonly string[]> {
  const tokens: string[] = [];
  for (const role of OperatorRole.options) {
    const body = { name: `an-${role.replace("_", "-")}`, roles: [role] };
    const { id } = (await plane.request("POST", "/v1/admin/operators", { token: ACME, body })).json;
    const issued = await plane.request("POST", `/v1/admin/operators/${id}/tokens`, { token: ACME, body: {} });
    tokens.push(issued.json.token);
  }
  return tokens;
}

/** The name of the other tenant, and every id that is its alone. */
function secretsOf({ things }: TwoTenants): readonly string[] {
  const own = new Set(Object.values(things.acme));
  return ["beta", ...Object.values(things.beta).filter((id) => !own.has(id))];
}

function assertNothingOf(secrets: readonly string[], text: string, where: string): void {
  for (const secret of secrets) assert.ok(!text.includes(secret), `${where} ← ${secret}`);
}

/** All but what is compiled: a module has words of its own. */
function shown(rows: readonly unknown[]): string {
  return JSON.stringify(rows, (_, value) => (value instanceof Uint8Array ? "" : value));
}

/** The sample call as it was written and as it gets through, the call without filters, and the page after it. */
async function* adminCalls(two: TwoTenants, row: Row, token: string): AsyncGenerator<Sample> {
  const sample = two.sampleOf(row, "acme");
  const { cursor, ...query } = sample.query ?? {};
  yield { ...sample, query };
  const better = await CHANGES[row.id]?.(two, token);
  if (better !== undefined) yield { ...sample, query, ...better };
  if (cursor === undefined) return;
  const first = { ...sample, query: { limit: "1" } };
  yield first;
  const { next_cursor } = (await two.call(row, first, token)).json ?? {};
  if (typeof next_cursor === "string") yield { ...first, query: { ...first.query, cursor: next_cursor } };
}

type Change = (two: TwoTenants, token: string) => Promise<Sample> | Sample;

const asked = async (two: TwoTenants, method: string, path: string, body?: object, token = ACME) =>
  (await two.plane.request(method, `/v1/admin/${path}`, { token, body })).json;

const ofDraft: Change = async (two) => {
  const { id } = await asked(two, "POST", "policies/drafts", { name: "n", rego_source: "package x" });
  return { params: { id } };
};
const ofRollout: Change = async (two) => {
  for (const { rollout_id, id = rollout_id } of (await asked(two, "GET", "policies/rollouts")).items)
    await asked(two, "POST", `policies/rollouts/${id}/stop`, {});
  const plan = { draft_id: two.things.acme.draft, mode: "shadow" };
  return { params: { id: (await asked(two, "POST", "policies/rollouts", plan)).id } };
};
/** Longer than sidecars may take to hear of a published key. */
const KEY_WAIT_MS = 3_600_000;
const ofKeyAfter =
  (...steps: readonly string[]): Change =>
  async (two) => {
    const of = "tenant=acme";
    const [{ kid: before }] = (await asked(two, "GET", "keys")).filter(
      (key: { use: string; status: string }) => key.use === "log" && key.status === "active",
    );
    const { kid } = await asked(two, "POST", "keys", { use: "log", tenant: "acme" }, SUPERADMIN);
    for (const step of steps) {
      await asked(two, "POST", `keys/${kid}/${step}?${of}`, undefined, SUPERADMIN);
      two.plane.clock.advance(KEY_WAIT_MS);
    }
    return { params: { kid: steps.includes("activate") ? before : kid } };
  };

/** Where the sample contradicts itself or is about what has ended: a call of the row that is done. */
const CHANGES: Readonly<Record<string, Change>> = {
  halt_engage: () => ({ body: { scope: "agent", value: "agent-y", reason: "why" } }),
  halt_release_target: () => ({ body: { scope: "agent", value: "agent-y", reason: "why" } }),
  policy_dry_run: () => ({ body: { rego_source: "package x", sample: "last:5" } }),
  policy_draft_update: ofDraft,
  policy_draft_delete: ofDraft,
  policy_rollout_change: ofRollout,
  policy_rollout_stop: ofRollout,
  policy_rollout_complete: ofRollout,
  policy_proposal_decide: () => ({ body: { decision: "reject", rego_sha256: regoDigest("package x") } }),
  key_publish: ofKeyAfter(),
  key_activate: ofKeyAfter("publish"),
  key_retire: ofKeyAfter("publish", "activate"),
  issuer_explain: () => ({ body: { claims: { sub: "alice" } } }),
  approval_decide: async ({ plane, things }, token) => {
    const body = parkedCall({ tool: `of-${token.length}-${token.slice(-8)}` });
    const parked = await plane.request("POST", "/v1/sidecar/approvals", {
      token: things.acme.credential,
      body,
    });
    return { params: { id: parked.json.pending_id }, body: { decision: "approve" } };
  },
  elevation_end: async (two, token) => {
    const { id } = await asked(two, "POST", "elevations", { reason: "why", role: "operator" }, token);
    return { params: { id } };
  },
};

async function fleetCalls(two: TwoTenants, row: Row): Promise<readonly Sample[]> {
  const { plane, things } = two;
  const { credential, sidecar } = things.acme;
  const sample = two.sampleOf(row, "acme");
  switch (row.id) {
    case "fleet_exchange":
      return [{ body: { access_token: await two.accessToken(), resource: RESOURCE } }];
    case "fleet_audit": {
      const { epoch } = (
        await plane.request("POST", "/v1/sidecar/register", { token: credential, body: { version: "2" } })
      ).json;
      const spool = pretendedSpool({ tenant: "acme", id: sidecar }, epoch);
      spool.intent("another");
      spool.outcome("another");
      return [{ body: { ...spool.batch(1, 2) } }];
    }
    case "fleet_bundle": {
      const active = (await plane.request("GET", "/v1/admin/policies/active", { token: ACME })).json;
      return [{ params: { digest: active.digest } }];
    }
    case "fleet_approval_claim": {
      const path = `/v1/admin/approvals/${things.acme.approval}/decide`;
      return [sample, ...(await approved(two, path, sample))];
    }
    default:
      return [sample];
  }
}

async function approved({ plane }: TwoTenants, path: string, sample: Sample): Promise<readonly Sample[]> {
  await plane.request("POST", path, { token: ACME, body: { decision: "approve" } });
  const { digest } = parkedCall();
  return [{ ...sample, body: { ...sample.body, digest } }];
}

/** Follows the stream until everything has been told once. */
async function hearStates({ plane, things }: TwoTenants): Promise<void> {
  const ended = new AbortController();
  const response = await plane.app.request("/v1/sidecar/sync", {
    headers: { authorization: `Bearer ${things.acme.credential}` },
    signal: ended.signal,
  });
  const reader = response.body?.getReader();
  for (let events = 0; events < 8; ) {
    const chunk = await reader?.read();
    assert.ok(chunk?.value !== undefined);
    events += new TextDecoder().decode(chunk.value).split("\n\n").length - 1;
  }
  ended.abort();
  await reader?.cancel();
}
