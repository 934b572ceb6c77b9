// What a tenant of the replicas has, and what is done to it: by its sidecar, by its people, and by whoever kills a replica in the middle of that.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { canonicalize } from "@postern/audit";
import type { ApprovalRequest } from "@postern/contracts";
import { type Enrolment, TENANT } from "../e2e/stack.ts";
import { createListeningSidecar, type ListeningSidecar } from "./listening-sidecar.ts";
import type { Answer, Replica } from "./replicas.ts";

const PROMOTE = "/v1/admin/policies/active";
export const ACTIVE = `${PROMOTE}?tenant=${TENANT}`;
export const ROLLBACK = `/v1/admin/policies/rollback?tenant=${TENANT}`;
const REGO = (rule: string) =>
  `package intentgate.policy\n\ndecision := {"allow": true, "rule": "${rule}"}\n`;

export async function enrol(replica: Replica): Promise<Enrolment> {
  const added = await replica.ask("POST", "/v1/admin/sidecars", { tenant: TENANT });
  assert.equal(added.status, 201);
  return added.json;
}

export async function provision(replica: Replica) {
  assert.equal((await replica.ask("POST", "/v1/admin/tenants", { name: TENANT })).status, 201);
  const drafts: string[] = [];
  for (const name of ["one", "two"]) {
    const draft = await replica.ask("POST", "/v1/admin/policies/drafts", {
      ...{ name, rego_source: REGO(name), tenant: TENANT },
    });
    drafts.push(draft.json.id);
    assert.equal(
      (await replica.ask("POST", PROMOTE, { draft_id: draft.json.id, tenant: TENANT })).status,
      200,
    );
  }
  return { drafts, sidecar: createListeningSidecar(await enrol(replica), TENANT) };
}

/** Parks different calls and returns their ids. */
export async function parkCalls(sidecar: ListeningSidecar, { url }: Replica, name: string, count: number) {
  const ids: string[] = [];
  for (let call = 0; call < count; call += 1) {
    const { pending_id } = await sidecar.client(url).parkCall(callOf(`${name}-${call}`));
    ids.push(pending_id);
  }
  return ids;
}

function callOf(agent: string): ApprovalRequest {
  const what = { method: "tools/call", tool: "pay", upstream: "bank" };
  const policy_sha256 = "5".repeat(64);
  const args = { to: "ada", amount: 5 };
  const form = { v: 1, tenant: TENANT, agent, ...what, args, policy_sha256 };
  return {
    digest: createHash("sha256").update(canonicalize(form)).digest("hex"),
    ...what,
    ...{ agent_id: agent, token_id: `${agent}.1`, root_token_id: agent, arguments: args, policy_sha256 },
    ...{ intent_summary: "", reason: "Payments need a person.", escalating_rule: "payments" },
    ...{ requires_step_up: false, policy_revision: 1, session_id: "", request_id: "r", remote_address: "" },
  } as ApprovalRequest;
}

/** Lets a replica promote, roll back and decide without a pause, and kills it after a while. What it had answered by then. */
export async function killedWhile(
  victim: Replica,
  { drafts, parked, afterMs }: { drafts: readonly string[]; parked: readonly string[]; afterMs: number },
) {
  const promoted: number[] = [];
  const decided: string[] = [];
  let unanswered = 0;
  const isAnswered = ({ status, json }: Answer): boolean => {
    assert.ok(status === 0 || status < 300, `${status} ${JSON.stringify(json)}`);
    if (status === 0) unanswered += 1;
    return status !== 0;
  };
  const changing = (async () => {
    for (let turn = 0; ; turn += 1) {
      const draft_id = drafts[turn % drafts.length];
      const answer =
        turn % 4 === 3
          ? await victim.ask("POST", PROMOTE, { draft_id, tenant: TENANT })
          : await victim.ask("POST", ROLLBACK, { revision: 1 + (turn % 2) });
      if (!isAnswered(answer)) return;
      promoted.push(answer.json.revision);
    }
  })();
  const deciding = (async () => {
    for (const id of parked) {
      const path = `/v1/admin/approvals/${id}/decide?tenant=${TENANT}`;
      if (!isAnswered(await victim.ask("POST", path, { decision: "approve" }))) return;
      decided.push(id);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 40));
    }
  })();
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  await victim.process.stop("SIGKILL");
  await Promise.all([changing, deciding]);
  return { promoted, decided, unanswered };
}

/** Milliseconds until the survivor has changed the policy, parked a call and decided on it. */
export async function untilFree(survivor: Replica, sidecar: ListeningSidecar): Promise<number> {
  const fromMs = performance.now();
  assert.equal((await survivor.ask("POST", ROLLBACK, { revision: 1 })).status, 200);
  const [id] = await parkCalls(sidecar, survivor, `free-${fromMs}`, 1);
  const path = `/v1/admin/approvals/${id}/decide?tenant=${TENANT}`;
  assert.equal((await survivor.ask("POST", path, { decision: "reject" })).status, 204);
  return performance.now() - fromMs;
}

/** Tells that the candidate cannot be loaded, often enough for it to be taken back. */
export async function reportBroken(sidecar: ListeningSidecar, { url }: Replica, id: string): Promise<void> {
  const client = sidecar.client(url);
  const { epoch } = await client.register({ version: "1" });
  const nothing = { allowed: 0, blocked: 0, escalated: 0 };
  await client.reportRollout(id, {
    ...{ epoch, takes_part: true, loaded: false, active: nothing, candidate: nothing },
    ...{ compared: 0, skipped: 0, load_failures: 1_000, problem: "It cannot be loaded.", samples: [] },
    differences: {
      ...{ allow_to_block: 0, allow_to_escalate: 0, block_to_allow: 0 },
      ...{ block_to_escalate: 0, escalate_to_allow: 0, escalate_to_block: 0 },
    },
  });
}
