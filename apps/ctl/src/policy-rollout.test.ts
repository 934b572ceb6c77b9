// postern policy rollout, history, rollback, proposals, approve and reject against a scripted control plane.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type TestScope, temporaryDirectory } from "@postern/testkit";
import { postern } from "./cli.fixture.ts";
import { type Answer, controlPlane } from "./control-plane.fixture.ts";

const sha256 = "0f".repeat(32);
const draft = {
  ...{ id: "d1", name: "policy", description: "", tenant: "acme", created_by: "me" },
  ...{ created_at: "2026-01-01T00:00:00Z", rego_sha256: sha256 },
};
const active = {
  ...{ draft_id: "d1", name: "policy", promoted_by: "me", promoted_at: "2026-01-01T00:00:00Z" },
  ...{ rego_sha256: sha256, tenant: "acme", revision: 7 },
};
const proposal = {
  ...{ proposal_id: "p1", tenant: "acme", kind: "promote", status: "proposed", name: "policy" },
  ...{ rego_sha256: sha256, proposed_by: "operator:olga", expires_at: "2026-01-02T00:00:00Z" },
};
const rollout = {
  ...{ id: "r1", tenant: "acme", draft_id: "d1", name: "policy", rego_sha256: sha256, mode: "staged" },
  ...{ percent: 5, labels: { env: "prod" }, status: "running", revision: 8 },
};
const counted = {
  ...rollout,
  figures: {
    ...{ sidecars: 3, taking_part: 1, loaded: 1, compared: 40, skipped: 2, load_failures: 0 },
    active: { allowed: 40, blocked: 0, escalated: 0 },
    candidate: { allowed: 38, blocked: 2, escalated: 0 },
    differences: { allow_to_block: 2, block_to_allow: 0 },
  },
  samples: [{ difference: "allow_to_block", tool: "wire\u202e", agent: "bot", request_id: "q1" }],
};
const activation = {
  ...{ revision: 7, kind: "promote", draft_id: "d1", name: "policy", rego_sha256: sha256 },
  ...{ activated_at: "2026-01-01T00:00:00Z", activated_by: "operator:olga" },
};

async function policyPlane(t: TestScope, { twoPerson = false } = {}) {
  const seen: string[] = [];
  const { at } = await controlPlane(t, (asked, body) => {
    const line = asked.replace("/v1/admin/policies", "");
    seen.push(`${line} ${body}`.trim());
    const change = (made: object): Answer => (twoPerson ? [202, proposal] : [200, made]);
    if (line.startsWith("POST /drafts")) return [201, draft];
    if (line.startsWith("POST /active") || line.startsWith("POST /rollback")) return change(active);
    if (line.startsWith("POST /rollouts/r1/complete")) return change(active);
    if (line === "POST /rollouts") return change(rollout);
    if (line.startsWith("POST /proposals/p1/decide")) return [200, active];
    if (line.startsWith("GET /history")) return [200, { items: [activation] }];
    if (line.startsWith("GET /proposals")) return [200, { items: [proposal] }];
    if (line.startsWith("GET /rollouts?")) return [200, { items: [counted] }];
    return [200, line.startsWith("GET") ? counted : rollout];
  });
  const file = join(temporaryDirectory(t), "policy.rego");
  writeFileSync(file, "package intentgate.policy\n");
  return { seen, file, run: (...args: string[]) => postern(["policy", ...args, ...at]) };
}

test("a rollout begins with a draft, and its plan is what the flags say", async (t) => {
  const { seen, file, run } = await policyPlane(t);
  const { code, stdout } = await run(
    ...["rollout", file, "--percent", "5", "--label", "env=prod", "--label", "team=a", "--rise", "3"],
  );
  assert.equal(code, 0);
  assert.match(stdout, /Rollout r1 of policy: staged, 5 % of sidecars, running/);
  assert.deepEqual(JSON.parse(seen[1]?.replace("POST /rollouts ", "") ?? ""), {
    ...{ draft_id: "d1", tenant: "acme", mode: "staged", percent: 5, labels: { env: "prod", team: "a" } },
    stop_when: { denials_up_percent_points: 3 },
  });
  for (const wrong of [
    ["--percent", "101"],
    ["--label", "env"],
    ["--percent", "1.5"],
  ])
    assert.equal((await run("rollout", file, ...wrong)).code, 2);
});

test("the rollout that runs is shown, widened, completed and stopped", async (t) => {
  const { seen, run } = await policyPlane(t);
  const shown = await run("rollout");
  assert.match(shown.stdout, /1 of 3 sidecars take part, 1 have it ready/);
  assert.match(shown.stdout, /candidate +38 +2 +0/);
  assert.match(shown.stdout, /40 calls compared, 2 left out, allow_to_block 2/);
  assert.match(shown.stdout, /allow_to_block {2}wire\\u\{202e\} {2}bot {2}request q1/);
  await run("rollout", "widen", "--percent", "50");
  await run("rollout", "complete");
  await run("rollout", "stop", "--reason", "odd");
  assert.deepEqual(
    seen.filter((line) => !line.startsWith("GET")),
    [
      'PATCH /rollouts/r1?tenant=acme {"percent":50}',
      "POST /rollouts/r1/complete?tenant=acme",
      'POST /rollouts/r1/stop?tenant=acme {"reason":"odd"}',
    ],
  );
});

test("where two people are needed, a change is proposed, and what to do next is said", async (t) => {
  const { seen, file, run } = await policyPlane(t, { twoPerson: true });
  for (const args of [["promote", file], ["rollout", file], ["rollback"], ["rollout", "complete"]]) {
    const { code, stdout } = await run(...args);
    assert.equal(code, 0, stdout);
    assert.match(stdout, new RegExp(`Proposed as p1.*\n *postern policy approve p1 --sha256 ${sha256}`));
  }
  assert.match((await run("proposals")).stdout, /p1 +promote +proposed +policy +0f0f.* operator:olga/);
  assert.match((await run("approve", "p1", "--sha256", sha256)).stdout, /policy is active for acme/);
  assert.equal((await run("reject", "p1", "--sha256", sha256, "--reason", "no")).code, 0);
  assert.deepEqual(seen.slice(-2), [
    `POST /proposals/p1/decide?tenant=acme {"decision":"approve","rego_sha256":"${sha256}"}`,
    `POST /proposals/p1/decide?tenant=acme {"decision":"reject","rego_sha256":"${sha256}","reason":"no"}`,
  ]);
  assert.equal((await run("approve", "p1")).code, 2);
});

test("the history is told, and a revision of it comes back", async (t) => {
  const { seen, run } = await policyPlane(t);
  assert.match((await run("history")).stdout, /7 +promote +policy +0f0f0f0f0f0f .* operator:olga/);
  await run("rollback", "--revision", "3");
  assert.deepEqual(seen, ["GET /history?tenant=acme&limit=20", 'POST /rollback?tenant=acme {"revision":3}']);
  assert.equal((await run("rollback", "--revision", "x")).code, 2);
});
