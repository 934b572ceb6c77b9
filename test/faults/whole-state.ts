// What must be true of the database whatever happened to a replica: each act and its event are there together, and so is what is pointed to.
import assert from "node:assert/strict";
import { TENANT } from "../e2e/stack.ts";
import type { Replica, Replicas } from "./replicas.ts";

/** `arg_values` of administrative acts of one kind that were allowed, oldest first. */
export async function acts(sql: Replicas["sql"], name: string): Promise<readonly Record<string, unknown>[]> {
  const rows = await sql`select event::json->'arg_values' as args from audit_events
    where tenant = ${TENANT} and tool = ${`admin/${name}`} and decision = 'allow' order by idx`;
  return rows.map(({ args }) => args as Record<string, unknown>);
}

/** Each act and its event exist together or not at all, and what is pointed to is there. */
export async function assertWhole(sql: Replicas["sql"]) {
  const activations =
    await sql`select a.revision, a.kind, b.digest is not null as has_bundle, c.revision is not null as has_content
    from policy_activations a
    left join policy_bundles b on b.tenant = a.tenant and b.digest = a.digest and b.revision = a.revision
    left join policy_contents c on c.tenant = a.tenant and c.revision = a.content_revision
    where a.tenant = ${TENANT}`;
  for (const { revision, has_bundle, has_content } of activations)
    assert.ok(has_bundle && has_content, `revision ${revision} is whole`);
  const told = [];
  for (const kind of ["promote", "rollback", "renew"])
    for (const { revision } of await acts(sql, `${kind}_policy`)) told.push(`${kind} ${revision}`);
  assert.deepEqual(told.sort(), activations.map(({ kind, revision }) => `${kind} ${revision}`).sort());
  const [register] = await sql`select revision from policy_revisions where tenant = ${TENANT}`;
  const revisions = new Set(activations.map(({ revision }) => Number(revision)));
  assert.equal(Number(register?.revision), Math.max(...revisions));

  const approvals = await sql`select id, status from approvals where tenant = ${TENANT}`;
  const decisions = (await acts(sql, "decide_approval")).map(({ pending_id }) => pending_id);
  const decided = approvals.flatMap(({ id, status }) => (/^(approved|rejected)$/.test(status) ? [id] : []));
  const stillDecided = decisions.filter((id) => decided.includes(id));
  assert.deepEqual(stillDecided.sort(), decided.sort());
  assert.equal(new Set(decisions).size, decisions.length);
  return {
    revisions,
    approvals: new Map(approvals.map(({ id, status }) => [String(id), String(status)])),
  };
}

export async function assertVerified(replica: Replica): Promise<void> {
  const { json } = await replica.ask("GET", `/v1/admin/audit/verify?tenant=${TENANT}`);
  assert.equal(json.verified, true, JSON.stringify(json));
}
