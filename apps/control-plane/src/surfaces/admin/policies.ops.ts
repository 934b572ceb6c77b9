// The active policy: read, promote, clear, roll back.
import { Identifier } from "@postern/contracts";
import { z } from "zod";
import { operation } from "./context.ts";
import { claim, NO_TENANT, tenantField, tenantQuery } from "./fields.ts";
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
    "Compiles it again, signs it as a bundle and tells every sidecar. When that fails, what was in force stays.",
  tag,
  permission: "author",
  audit: "admin/promote_policy",
  status: 200,
  replies: {
    404: "There is no such draft, or no such tenant.",
    409: "The draft was changed meanwhile.",
    429: "Too many policies are being compiled.",
    503: "The Rego compiler or the master key is not configured.",
  },
  body: z.strictObject({
    draft_id: Identifier,
    tenant: tenantField.describe("The draft's tenant. A superadmin may leave it out."),
    promoted_by: claim,
  }),
  reply: ActivePolicyView,
  run: async ({ body }, context) => {
    const tenant = await context.scope.named(body.tenant);
    const request = { draftId: body.draft_id, tenant, claim: body.promoted_by ?? "" };
    return activePolicyView(await context.policies.promote(context.work, request));
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
  run: async ({ query }, context) => {
    const tenant = await context.scope.one(query.tenant);
    await context.work.commit((unit) => context.policies.clear(unit, tenant));
  },
});

const rollback = operation({
  id: "policy_rollback",
  method: "POST",
  path: "/v1/admin/policies/rollback",
  summary: "Put the policy before this one in force again",
  description:
    "Signs the earlier content under a new revision. Repeated, it goes back further, as far as the history reaches.",
  tag,
  permission: "author",
  audit: "admin/rollback_policy",
  status: 200,
  replies: {
    404: "There is no earlier policy, or no such tenant.",
    503: "The master key is not configured.",
  },
  query: z.strictObject(tenantQuery),
  body: z.strictObject({ rolled_back_by: claim, tenant: tenantField }).optional(),
  reply: ActivePolicyView,
  run: async ({ query, body }, context) => {
    const tenant = await context.scope.body(body?.tenant ?? (await context.scope.one(query.tenant)));
    const request = { tenant, claim: body?.rolled_back_by ?? "" };
    return await context.work.commit(async (unit) =>
      activePolicyView(await context.policies.rollback(unit, request)),
    );
  },
});

export const policyRows = [view, promote, clear, rollback];
