// The queue of parked calls, for the people who decide on them.
import { ApprovalStatus, Identifier } from "@postern/contracts";
import { pageOf, pageQuery } from "@postern/surface";
import { z } from "zod";
import { ApprovalView, approvalView } from "./approval-views.ts";
import { operation, pageOfItems, startOf } from "./context.ts";
import { claim, NO_TENANT, tenantQuery } from "./fields.ts";

const path = "/v1/admin/approvals";
const tag = "Approvals";
const byId = { params: z.strictObject({ id: Identifier }), query: z.strictObject(tenantQuery) };
const NO_APPROVAL = "There is no such approval.";
const words = z.string().max(1_024).optional();

const list = operation({
  id: "approval_list",
  method: "GET",
  path,
  summary: "List calls that wait for a person, newest first",
  description: "A page ends early when the arguments on it are large.",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_TENANT },
  query: z.strictObject({
    ...tenantQuery,
    status: ApprovalStatus.default("pending").describe("Those that stand so instead of those that wait."),
    ...pageQuery(),
  }),
  example: { query: { tenant: "acme-corp", status: "pending", limit: 100 } },
  links: [
    { to: "approval_view", params: { id: "items/0/id" } },
    { to: "approval_decide", params: { id: "items/0/id" } },
  ],
  reply: pageOf(ApprovalView),
  run: async ({ query }, context) => {
    const tenant = await context.scope.any(query.tenant);
    const { status, limit } = query;
    const paged = { sort: "approvals", filter: { tenant: tenant ?? null, status } };
    const [createdAt, ofTenant, id] = startOf(context, paged, query.cursor) ?? [];
    const after =
      createdAt === undefined
        ? undefined
        : { createdAt: new Date(String(createdAt)), tenant: String(ofTenant), id: String(id) };
    const nowMs = context.clock.nowMs();
    const filter = { tenant, status, now: new Date(nowMs), limit, after };
    const page = await context.work.read((executor) => context.approvals.list(executor, filter));
    return pageOfItems(context, paged, {
      ...page,
      keyOf: (item) => [item.createdAt.toISOString(), item.tenant, item.id],
      view: (item) => approvalView(item, nowMs),
    });
  },
});

const view = operation({
  id: "approval_view",
  method: "GET",
  path: `${path}/{id}`,
  summary: "Read a parked call, and what was decided about it",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_APPROVAL },
  ...byId,
  example: { query: { tenant: "acme-corp" } },
  reply: ApprovalView,
  run: async ({ params, query }, { approvals, clock, scope, work }) => {
    const name = { id: params.id, tenant: await scope.any(query.tenant) };
    return approvalView(await work.read((executor) => approvals.find(executor, name)), clock.nowMs());
  },
});

const decide = operation({
  id: "approval_decide",
  method: "POST",
  path: `${path}/{id}/decide`,
  summary: "Approve or reject a parked call",
  description:
    "An approval is for this exact call, once, and for a limited time; the sidecar judges the call again before it runs. Who decides is " +
    "known by the credential. Every attempt is told in the audit log, refused ones too.",
  tag,
  permission: "approve",
  audit: "admin/decide_approval",
  status: 204,
  replies: {
    403: "The tenant's rules ask for another role, or for somebody who did not issue the capability token (`approvals.four_eyes`).",
    404: NO_APPROVAL,
    409: "It is decided, used or expired already (`code` says which), or several people must approve and you have.",
  },
  ...byId,
  body: z.strictObject({
    decision: z.enum(["approve", "reject"]),
    reason: words,
    note: words.describe("Another name for `reason`."),
    decided_by: claim,
  }),
  example: {
    query: { tenant: "acme-corp" },
    body: { decision: "approve", reason: "The invoice is right.", decided_by: "joe@acme-corp.example" },
  },
  run: async ({ params, query, body }, { approvals, may, scope, work }) => {
    const name = { id: params.id, tenant: await scope.any(query.tenant) };
    const verdict = {
      decision: body.decision,
      reason: body.reason ?? body.note ?? "",
      claim: body.decided_by ?? "",
      isAdmin: may("administer"),
    };
    const refusal = await work.commit((unit) => approvals.decide(unit, name, verdict));
    if (refusal !== undefined) throw refusal;
  },
});

export const approvalRows = [list, view, decide];
