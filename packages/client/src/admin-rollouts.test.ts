// History, rollouts and proposals as the client asks for them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type AdminClient, createAdminClient } from "./admin-client.ts";
import { isProposal } from "./admin-rollouts.ts";
import { scriptedServer } from "./scripted-server.fixture.ts";

const tenant = "acme";
const sha256 = "0f".repeat(32);
const proposal = {
  ...{ proposal_id: "p1", tenant, kind: "promote", status: "proposed", name: "n" },
  ...{ rego_sha256: sha256, proposed_by: "operator:olga", expires_at: "2026-01-02T00:00:00Z" },
};
const rollout = {
  ...{ id: "r1", tenant, draft_id: "d1", name: "n", rego_sha256: sha256, mode: "staged" },
  ...{ percent: 5, labels: {}, status: "running", revision: 8 },
};
const counted = {
  ...rollout,
  figures: {
    ...{ sidecars: 3, taking_part: 1, loaded: 1, compared: 40, skipped: 2, load_failures: 0 },
    ...{ active: { allowed: 40 }, candidate: { allowed: 38 }, differences: { allow_to_block: 2 } },
  },
};
const base = "/v1/admin/policies";

const calls: [string, (client: AdminClient) => Promise<unknown>, string, unknown, object | undefined][] = [
  [
    "policyHistory",
    (c) => c.policyHistory({ tenant, limit: 2 }),
    `GET ${base}/history?tenant=acme&limit=2`,
    { items: [] },
    undefined,
  ],
  [
    "rollback",
    (c) => c.rollback({ tenant, revision: 3 }),
    `POST ${base}/rollback?tenant=acme`,
    proposal,
    { revision: 3 },
  ],
  ["promote", (c) => c.promote("d1"), `POST ${base}/active`, proposal, { draft_id: "d1" }],
  [
    "startRollout",
    (c) => c.startRollout({ draft_id: "d1", percent: 5 }),
    `POST ${base}/rollouts`,
    rollout,
    { draft_id: "d1", percent: 5 },
  ],
  [
    "rollouts",
    (c) => c.rollouts({ tenant }),
    `GET ${base}/rollouts?tenant=acme`,
    { items: [counted] },
    undefined,
  ],
  ["rollout", (c) => c.rollout("../r"), `GET ${base}/rollouts/..%2Fr`, counted, undefined],
  [
    "changeRollout",
    (c) => c.changeRollout("r1", { percent: 50, tenant }),
    `PATCH ${base}/rollouts/r1?tenant=acme`,
    rollout,
    { percent: 50 },
  ],
  [
    "completeRollout",
    (c) => c.completeRollout("r1", { tenant }),
    `POST ${base}/rollouts/r1/complete?tenant=acme`,
    proposal,
    undefined,
  ],
  [
    "stopRollout",
    (c) => c.stopRollout("r1", { reason: "odd" }),
    `POST ${base}/rollouts/r1/stop`,
    rollout,
    { reason: "odd" },
  ],
  [
    "proposals",
    (c) => c.proposals({ tenant }),
    `GET ${base}/proposals?tenant=acme`,
    { items: [proposal] },
    undefined,
  ],
  [
    "proposal",
    (c) => c.proposal("p1", { tenant }),
    `GET ${base}/proposals/p1?tenant=acme`,
    proposal,
    undefined,
  ],
  [
    "decideProposal",
    (c) => c.decideProposal("p1", { decision: "approve", rego_sha256: sha256 }, { tenant }),
    `POST ${base}/proposals/p1/decide?tenant=acme`,
    rollout,
    { decision: "approve", rego_sha256: sha256 },
  ],
];

for (const [name, run, line, reply, body] of calls)
  test(`${name} speaks the control plane's contract`, async (t) => {
    const server = await scriptedServer(t, (_request, response) => {
      response.writeHead(200).end(JSON.stringify(reply));
    });
    assert.deepEqual(await run(createAdminClient({ url: server.url, token: "t" })), reply);
    const [seen] = server.seen;
    assert.equal(`${seen?.method} ${seen?.url}`, line);
    assert.deepEqual(seen?.body === "" ? undefined : JSON.parse(seen?.body ?? ""), body);
  });

test("a change that was only proposed can be told from one that was made", async (t) => {
  const server = await scriptedServer(t, (_request, response) => {
    response.writeHead(202).end(JSON.stringify(proposal));
  });
  const change = await createAdminClient({ url: server.url, token: "t" }).promote("d1");
  assert.ok(isProposal(change) && change.proposal_id === "p1");
});
