// What a hostile admin, operator or sidecar of one tenant tries against another one (P9): its ids, its cursors, its elevations, credentials that say
// they are of it. A thing of another tenant and a thing that is not there are told apart by nothing: not by the answer, and not by the work done for it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { ACME, BETA, planeOver, SUPERADMIN, type TestAnswer } from "../../control-plane.fixture.ts";
import { ADMIN_ROWS, addressOf, FLEET_ROWS, type Row, type Sample } from "../rows.fixture.ts";
import { digestsOf, watchStatements } from "./statements.fixture.ts";
import { type TwoTenants, twoTenants } from "./two-tenants.fixture.ts";

const ALL_ROWS = [...ADMIN_ROWS, ...FLEET_ROWS];

/** Where the answer to an id that is not one's own is another than 404, and why that tells nothing. */
const OTHERWISE: Readonly<Record<string, readonly [status: number, why: string]>> = {
  capability_revoke: [204, "any id may be revoked, also one that was issued elsewhere"],
  key_publish: [403, "belongs to the superadmin"],
  key_activate: [403, "belongs to the superadmin"],
  key_retire: [403, "belongs to the superadmin"],
  fleet_lease_return: [204, "what nobody holds is given back in vain"],
};

test("an id of another tenant is answered like one that nobody has, by the same statements, and what it names stays as it is", async (t) => {
  const two = await twoTenants(t);
  if (two === undefined) return;
  const { plane, things } = two;
  const beta = await furtherIds(two);
  const own = new Set<string>(Object.values(things.acme));
  const ids = [...Object.values(things.beta), ...Object.values(beta)].filter((id) => !own.has(id));
  const before = await digestsOf(plane.database, "beta");
  const seen = watchStatements(plane.database);

  async function ask(row: Row, sample: Sample) {
    seen.length = 0;
    const token = FLEET_ROWS.includes(row) ? things.acme.credential : ACME;
    const { status, text } = await plane.request(row.method, addressOf(row, sample), {
      ...{ token, body: sample.body },
    });
    return { status, text, statements: seen.map((statement) => statement.text) };
  }

  const tried = new Set<string>();
  for (const [row, foreign] of [...samplesOfBeta(two), ...mixed(two, beta)]) {
    const named = ids.filter((id) => JSON.stringify(foreign).includes(id));
    if (named.length === 0) continue;
    const unknown: Sample = JSON.parse(twisted(JSON.stringify(foreign), named));
    const toUnknown = await ask(row, unknown);
    const toForeign = await ask(row, foreign);
    const [expected] = OTHERWISE[row.id] ?? [404];
    assert.equal(toForeign.status, expected, `${row.id}: ${JSON.stringify(foreign)} ${toForeign.text}`);
    assert.deepEqual({ ...toForeign, text: twisted(toForeign.text, named) }, toUnknown, row.id);
    tried.add(row.id);
  }
  t.diagnostic(`${tried.size} of ${ALL_ROWS.length} rows take ids`);
  const byPath = ALL_ROWS.filter(({ id, path }) => path.includes("{") && !tried.has(id)).map(({ id }) => id);
  // Names are the tenant's own: both have an upstream of this one.
  assert.deepEqual(byPath, ["upstream_view", "upstream_replace", "upstream_delete"]);
  assert.deepEqual(await digestsOf(plane.database, "beta"), before);
});

/** Ids that no row is asked about by its sample. */
async function furtherIds({ plane, things }: TwoTenants) {
  const as = (token: string) => ({
    get: async (path: string) => (await plane.request("GET", `/v1/${path}`, { token })).json,
    post: async (path: string, body: object) =>
      (await plane.request("POST", `/v1/${path}`, { token, body })).json,
  });
  const lease = { epoch: 1, account: `calls:${things.beta.jti}`, limit: 50, want: 1 };
  return {
    lease: (await as(things.beta.credential).post("sidecar/leases", lease)).lease_id as string,
    bundle: (await as(BETA).get("admin/policies/active")).digest as string,
    event: (await as(BETA).get("admin/audit?limit=1&tool=admin/mint")).items[0].event_id as string,
  };
}

function samplesOfBeta({ sampleOf }: TwoTenants): [Row, Sample][] {
  return ALL_ROWS.map((row) => {
    const { cursor: _, ...query } = sampleOf(row, "beta").query ?? {};
    return [row, { ...sampleOf(row, "beta"), query }];
  });
}

/** One's own things together with those of the other, and what is named by something else than an id. */
function mixed({ things }: TwoTenants, more: Awaited<ReturnType<typeof furtherIds>>): [Row, Sample][] {
  const { acme, beta } = things;
  const samples: Readonly<Record<string, Sample>> = {
    webhook_delivery_retry: { params: { id: acme.webhook, delivery: beta.delivery } },
    operator_token_revoke: { params: { id: acme.operator, token_id: beta.operatorToken } },
    policy_dry_run: { body: { rego_source: "package x", sample: more.event } },
    policy_promote: { body: { draft_id: beta.draft, tenant: "acme" } },
    fleet_bundle: { params: { digest: more.bundle } },
    fleet_lease_return: { body: { lease_id: more.lease, unspent: 1 } },
  };
  return ALL_ROWS.flatMap((row) => (samples[row.id] === undefined ? [] : [[row, samples[row.id] ?? {}]]));
}

/** The text with each id replaced by one of the same form that nobody has. */
function twisted(text: string, ids: readonly string[]): string {
  return ids.reduce(
    (said, id) => said.replaceAll(id, id.slice(0, -1) + (id.endsWith("0") ? "1" : "0")),
    text,
  );
}

const LISTS = ADMIN_ROWS.filter(({ query }) => query instanceof z.ZodObject && "cursor" in query.shape);

test("a cursor is good for the list, the filter and the tenant that it was made for, as it was made", async (t) => {
  const two = await twoTenants(t);
  if (two === undefined) return;
  const { plane, sampleOf } = two;
  const other = await planeOver({ ...plane.parts, masterKey: new Uint8Array(32).fill(8) });
  const page = (row: Row, of: "acme" | "beta", token: string, query: Record<string, string>, via = plane) =>
    via.request(row.method, addressOf(row, { ...sampleOf(row, of), query: { limit: "1", ...query } }), {
      token,
    });
  const refused = ({ status, json, text }: TestAnswer, what: string) => {
    assert.equal(status, 400, `${what}: ${text}`);
    assert.ok(json.code === "cursor.invalid" || /^query\.cursor: /.test(json.error), `${what}: ${text}`);
  };
  const cursors = new Map<string, string>();
  for (const row of LISTS) {
    const { next_cursor } = (await page(row, "acme", ACME, {})).json;
    assert.equal(typeof next_cursor, "string", `${row.id} has a second page`);
    cursors.set(row.id, next_cursor);
  }
  let tries = 0;
  for (const row of LISTS) {
    const own = cursors.get(row.id) ?? "";
    const ask = (cursor: string, token = ACME, via = plane) => page(row, "acme", token, { cursor }, via);
    assert.equal((await ask(own)).status, 200, row.id);
    const theirs = (await page(row, "beta", BETA, {})).json.next_cursor;
    // What is listed of one named thing is the same for the superadmin.
    const isOfOne = row.path.includes("{");
    const everybodys = isOfOne ? theirs : (await page(row, "acme", SUPERADMIN, {})).json.next_cursor;
    const [body = "", mac = ""] = own.split(".");
    const readable = JSON.parse(Buffer.from(body, "base64url").toString());
    const forged = Buffer.from(JSON.stringify({ ...readable, filterHash: "" })).toString("base64url");
    const tampered: [string, string][] = [
      ["beta's", theirs],
      ["everybody's", everybodys ?? theirs],
      ...[...cursors].flatMap(([id, cursor]): [string, string][] =>
        id === row.id ? [] : [[`${id}'s`, cursor]],
      ),
      ["shorter", own.slice(0, -1)],
      ["without its seal", body],
      ["with an empty seal", `${body}.`],
      ["longer", `${own}A`],
      ["twice", `${own}.${own}`],
      ["padded", `${body}==.${mac}`],
      ["forged", `${forged}.${mac}`],
      ["empty", ""],
      ["huge", "A".repeat(5_000)],
      ...Array.from({ length: 24 }, (_, n): [string, string] => {
        const at = Math.floor((own.length * n) / 24);
        return [`flipped at ${at}`, own.slice(0, at) + (own[at] === "B" ? "C" : "B") + own.slice(at + 1)];
      }),
    ];
    for (const [what, cursor] of tampered) refused(await ask(cursor), `${row.id}, ${what}`);
    tries += tampered.length + 1;
    refused(await ask(own, ACME, other as typeof plane), `${row.id}, a replica with another master key`);
  }
  t.diagnostic(`${tries} cursors at ${LISTS.length} lists`);
});

test("an elevation, a token or a credential that says it is of another tenant is worth nothing", async (t) => {
  const two = await twoTenants(t);
  if (two === undefined) return;
  const { plane, things } = two;
  const { beta, acme } = things;
  const before = await digestsOf(plane.database, "beta");
  const under = (id: string, header = "x-postern-elevation-id") =>
    plane.request("GET", "/v1/admin/me", { token: ACME, headers: { [header]: id } });
  for (const header of ["x-postern-elevation-id", "x-intentgate-elevation-id"]) {
    const foreign = await under(beta.elevation, header);
    const unknown = await under(twisted(beta.elevation, [beta.elevation]), header);
    assert.deepEqual([foreign.status, foreign.text], [unknown.status, unknown.text]);
    assert.equal(foreign.status, 403);
  }
  const issued = await plane.request("POST", `/v1/admin/operators/${acme.operator}/tokens`, {
    token: ACME,
    body: {},
  });
  const operator: string = issued.json.token;
  const me = (token: string) => plane.request("GET", "/v1/admin/me", { token });
  assert.equal((await me(operator)).json.tenant, "acme");
  assert.equal((await me(operator.replace("acme", "beta"))).status, 401);
  const bundles = (token: string) => plane.request("GET", "/v1/sidecar/login", { token });
  assert.equal((await bundles(acme.credential)).status, 200);
  for (const [from, to] of [
    ["acme", "beta"],
    [acme.sidecar, beta.sidecar],
  ] as const)
    assert.equal((await bundles(acme.credential.replace(from, to))).status, 401);
  const both = acme.credential.replace("acme", "beta").replace(acme.sidecar, beta.sidecar);
  assert.equal((await bundles(both)).status, 401);
  for (const token of [operator, ACME]) assert.equal((await bundles(token)).status, 401);
  assert.equal((await me(acme.credential)).status, 401);
  assert.deepEqual(await digestsOf(plane.database, "beta"), before);
});

test("what two tenants call by the same name are two things", async (t) => {
  const two = await twoTenants(t);
  if (two === undefined) return;
  const { plane } = two;
  const before = await digestsOf(plane.database, "beta");
  const ask = (method: string, path: string, body?: object) =>
    plane.request(method, `/v1/admin/${path}`, { token: ACME, body });
  const upstream = { transport: "http", url: "https://elsewhere.example/mcp", auth: { kind: "none" } };
  for (const [method, path, body] of [
    ["PUT", "upstreams/second", upstream],
    ["DELETE", "upstreams/acme_crm", undefined],
    ["POST", "kill-switch/release", { scope: "agent", value: "agent-x", reason: "why" }],
    ["POST", "revoke", { jti: "three" }],
  ] as const) {
    const answer = await ask(method, path, body);
    assert.ok(answer.status < 300, `${path}: ${answer.text}`);
  }
  assert.deepEqual(await digestsOf(plane.database, "beta"), before);
  const halts = (await plane.request("GET", "/v1/admin/kill-switch", { token: BETA })).json.items;
  assert.ok(halts.some(({ value }: { value: string }) => value === "agent-x"));
});
