// The active policy: read, promote, clear, roll back, and everything that was active before.
import { Identifier } from "@postern/contracts";
import { pageOf, pageQuery } from "@postern/surface";
import { z } from "zod";
import { operation, pageOfItems, startOf } from "./context.ts";
import { claim, NO_TENANT, tenantField, tenantQuery } from "./fields.ts";
import { ActivationView, activationView } from "./policy-views.ts";
import { OutcomeView, outcomeAnswer, PROPOSED } from "./proposals.ops.ts";
import { ActivePolicyView, activePolicyView } from "./views.ts";

const path = "/v1/admin/policies/active";
const tag = "Policies";

const view = operation({
  id: "policy_active_view",
  method: "GET",
  path,
  summary: "Read what is in force",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: "Nothing is in force: every call of the tenant is denied. Or there is no such tenant." },
  query: z.strictObject(tenantQuery),
  example: { query: { tenant: "acme-corp" } },
  reply: ActivePolicyView,
  run: async ({ query }, context) => {
    const tenant = await context.scope.one(query.tenant);
    return activePolicyView(await context.work.read((executor) => context.policies.active(executor, tenant)));
  },
});

const promote = operation({
  id: "policy_promote",
  method: "POST",
  path,
  summary: "Put a draft in force",
  description:
    "Compiles it again, signs it as a bundle and tells every sidecar. When that fails, what was in force stays. A rollout that runs is stopped.",
  tag,
  permission: "author",
  audit: "admin/promote_policy|admin/propose_policy",
  status: 200,
  replies: {
    202: PROPOSED,
    404: "There is no such draft, or no such tenant.",
    409: "The draft was changed meanwhile.",
    429: "Too many policies are being compiled, or too many proposals are open.",
    503: "The Rego compiler or the master key is not configured.",
  },
  body: z.strictObject({
    draft_id: Identifier,
    tenant: tenantField.describe("The draft's tenant. A superadmin may leave it out."),
    promoted_by: claim,
  }),
  example: { body: { draft_id: "01HXYZ", tenant: "acme-corp", promoted_by: "joe@acme-corp.example" } },
  links: [
    { to: "policy_active_view", query: { tenant: "tenant" } },
    { to: "policy_rollback", query: { tenant: "tenant" } },
    { to: "policy_clear", query: { tenant: "tenant" } },
  ],
  reply: OutcomeView,
  run: async ({ body }, context) => {
    const tenant = await context.scope.named(body.tenant);
    const change = { kind: "promote", draftId: body.draft_id } as const;
    const wish = { tenant, change, claim: body.promoted_by ?? "" };
    return outcomeAnswer(await context.changes.ask(context.work, wish), 200);
  },
});

const clear = operation({
  id: "policy_clear",
  method: "DELETE",
  path,
  summary: "Put nothing in force: every call of the tenant is denied",
  tag,
  permission: "author",
  audit: "admin/clear_policy",
  status: 204,
  replies: { 404: NO_TENANT },
  query: z.strictObject(tenantQuery),
  example: { query: { tenant: "acme-corp" } },
  run: async ({ query }, context) => {
    const tenant = await context.scope.one(query.tenant);
    await context.work.commit((unit) => context.changes.clear(unit, tenant));
  },
});

const rollback = operation({
  id: "policy_rollback",
  method: "POST",
  path: "/v1/admin/policies/rollback",
  summary: "Put the policy before this one in force again",
  description:
    "Signs the earlier content under a new revision. Repeated, it goes back further, as far as the history reaches; `revision` goes back to any " +
    "that was ever in force. A rollout that runs is stopped.",
  tag,
  permission: "author",
  audit: "admin/rollback_policy|admin/propose_policy",
  status: 200,
  replies: {
    202: PROPOSED,
    404: "There is no earlier policy, no such revision, or no such tenant.",
    429: "Too many proposals are open.",
    503: "The master key is not configured.",
  },
  query: z.strictObject(tenantQuery),
  body: z
    .strictObject({
      rolled_back_by: claim,
      tenant: tenantField,
      revision: z.int().min(1).optional().describe("From the history. Default: what was in force before."),
    })
    .optional(),
  example: { query: { tenant: "acme-corp" }, body: { rolled_back_by: "joe@acme-corp.example" } },
  reply: OutcomeView,
  run: async ({ query, body }, context) => {
    const { scope } = context;
    const tenant = body?.tenant === undefined ? await scope.one(query.tenant) : await scope.body(body.tenant);
    const change = { kind: "rollback", revision: body?.revision } as const;
    const wish = { tenant, change, claim: body?.rolled_back_by ?? "" };
    return outcomeAnswer(await context.changes.ask(context.work, wish), 200);
  },
});

const history = operation({
  id: "policy_history",
  method: "GET",
  path: "/v1/admin/policies/history",
  summary: "List everything that was ever in force, newest first",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_TENANT },
  query: z.strictObject({ ...tenantQuery, ...pageQuery() }),
  example: { query: { tenant: "acme-corp", limit: 100 } },
  reply: pageOf(ActivationView),
  run: async ({ query: { tenant: asked, limit, cursor } }, context) => {
    const tenant = await context.scope.one(asked);
    const paged = { sort: "policy_history", filter: { tenant } };
    const [revision] = startOf(context, paged, cursor) ?? [];
    const before = revision === undefined ? undefined : Number(revision);
    const items = await context.work.read((executor) =>
      context.policies.history(executor, { tenant, before, limit: limit + 1 }),
    );
    return pageOfItems(context, paged, {
      items,
      limit,
      keyOf: (item) => [item.revision],
      view: activationView,
    });
  },
});

export const policyRows = [view, promote, clear, rollback, history];
