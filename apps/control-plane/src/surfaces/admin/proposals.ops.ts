// Changes of what is in force that wait for a second person: look at them, agree, or turn them down.
import { Identifier, Sha256Hex } from "@postern/contracts";
import { answer, pageOf, pageQuery } from "@postern/surface";
import { z } from "zod";
import type { Outcome } from "../../domain/rollouts/changes.ts";
import { operation, pageOfItems, startOf } from "./context.ts";
import { claim, NO_TENANT, tenantQuery } from "./fields.ts";
import { ProposalView, proposalView, RolloutView, rolloutView } from "./policy-views.ts";
import { ActivePolicyView, activePolicyView } from "./views.ts";

const path = "/v1/admin/policies/proposals";
const tag = "Policies";
const byId = { params: z.strictObject({ id: Identifier }), query: z.strictObject(tenantQuery) };
const NO_PROPOSAL = "There is no such proposal, or no such tenant.";

/** What a change that may need two people is answered with. */
export const OutcomeView = z.union([ActivePolicyView, RolloutView, ProposalView]);
export const PROPOSED = "The tenant asks for two people: this is proposed, and waits for another one.";

/** `madeStatus` is that of a change that was made. */
export function outcomeAnswer(outcome: Outcome, madeStatus: 200 | 201) {
  switch (outcome.kind) {
    case "active":
      return answer(activePolicyView(outcome.active), { status: madeStatus });
    case "rollout":
      return answer(rolloutView(outcome.rollout), { status: madeStatus });
    case "proposal":
      return answer(proposalView(outcome.proposal), { status: 202 });
  }
}

const list = operation({
  id: "policy_proposal_list",
  method: "GET",
  path,
  summary: "List proposed changes, newest first",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_TENANT },
  query: z.strictObject({ ...tenantQuery, ...pageQuery() }),
  example: { query: { tenant: "acme-corp", limit: 100 } },
  links: [
    {
      to: "policy_proposal_view",
      params: { id: "items/0/proposal_id" },
      query: { tenant: "items/0/tenant" },
    },
  ],
  reply: pageOf(ProposalView),
  run: async ({ query: { tenant: asked, limit, cursor } }, context) => {
    const tenant = await context.scope.one(asked);
    const paged = { sort: "proposals", filter: { tenant } };
    const [at, id] = startOf(context, paged, cursor) ?? [];
    const after = id === undefined ? undefined : { at: new Date(Number(at)), id: String(id) };
    const page = { tenant, after, limit: limit + 1 };
    const items = await context.work.read((executor) =>
      context.changes.list(executor, page, context.clock.nowMs()),
    );
    return pageOfItems(context, paged, {
      items,
      limit,
      keyOf: (item) => [item.proposedAt.getTime(), item.id],
      view: proposalView,
    });
  },
});

const view = operation({
  id: "policy_proposal_view",
  method: "GET",
  path: `${path}/{id}`,
  summary: "Read a proposed change",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_PROPOSAL },
  ...byId,
  example: { query: { tenant: "acme-corp" } },
  links: [
    {
      to: "policy_proposal_decide",
      params: { id: "proposal_id" },
      query: { tenant: "tenant" },
      body: { rego_sha256: "rego_sha256" },
    },
  ],
  reply: ProposalView,
  run: async ({ params, query }, context) => {
    const key = { id: params.id, tenant: await context.scope.one(query.tenant) };
    const nowMs = context.clock.nowMs();
    return proposalView(await context.work.read((executor) => context.changes.find(executor, key, nowMs)));
  },
});

const decide = operation({
  id: "policy_proposal_decide",
  method: "POST",
  path: `${path}/{id}/decide`,
  summary: "Agree to a proposed change, or turn it down",
  description:
    "Agreeing makes the change at once and answers as the change itself would; turning down answers with the proposal. Who proposed it may " +
    "only take it back. `rego_sha256` must be the proposal's: it says which source was looked at.",
  tag,
  permission: "author",
  audit: "admin/approve_policy|admin/reject_policy",
  status: 200,
  replies: {
    403: "Somebody else than who proposed it must agree.",
    404: "There is no such proposal, or what it is about is gone.",
    409: "It was decided, has expired, is about another source, or can no longer be done; the message says which.",
    429: "Too many policies are being compiled.",
    503: "The Rego compiler or the master key is not configured.",
  },
  ...byId,
  body: z.strictObject({
    decision: z.enum(["approve", "reject"]),
    rego_sha256: Sha256Hex,
    reason: z.string().max(2000).default(""),
    decided_by: claim,
  }),
  example: {
    query: { tenant: "acme-corp" },
    body: {
      decision: "reject",
      rego_sha256: "0000000000000000000000000000000000000000000000000000000000000000",
      reason: "It blocks too much.",
      decided_by: "ann@acme-corp.example",
    },
  },
  reply: OutcomeView,
  run: async ({ params, query, body }, context) => {
    const key = { id: params.id, tenant: await context.scope.one(query.tenant) };
    const { decision, rego_sha256: regoSha256, reason, decided_by = "" } = body;
    const made = { approve: decision === "approve", regoSha256, reason, claim: decided_by };
    const outcome = await context.changes.decide(context.work, key, made);
    return outcome.kind === "proposal" ? proposalView(outcome.proposal) : outcomeAnswer(outcome, 200);
  },
});

export const proposalRows = [list, view, decide];
