// Candidates beside the active policy: begin, watch, widen, put in force, take back.
import { Identifier, SidecarLabels } from "@postern/contracts";
import { pageOf, pageQuery } from "@postern/surface";
import { z } from "zod";
import { operation, pageOfItems, startOf } from "./context.ts";
import { claim, NO_TENANT, tenantField, tenantQuery } from "./fields.ts";
import {
  CountedRolloutView,
  countedRolloutView,
  Percent,
  RolloutDetailView,
  RolloutView,
  rolloutDetailView,
  rolloutView,
  StopWhen,
} from "./policy-views.ts";
import { OutcomeView, outcomeAnswer, PROPOSED } from "./proposals.ops.ts";

const path = "/v1/admin/policies/rollouts";
const tag = "Policies";
const byId = { params: z.strictObject({ id: Identifier }), query: z.strictObject(tenantQuery) };
const NO_ROLLOUT = "There is no such rollout, or no such tenant.";
const ENDED = "The rollout was ended already.";

const start = operation({
  id: "policy_rollout_start",
  method: "POST",
  path,
  summary: "Try a draft in some sidecars, or beside the active policy in all of them",
  description:
    "`staged`: the draft decides in the sidecars that take part, which are those with every label, and of them `percent`. It stops by itself when " +
    "too many more calls are not allowed, or when a sidecar cannot use it. `shadow`: the active policy decides, and differences are counted. A tenant has one rollout at a time.",
  tag,
  permission: "author",
  audit: "admin/start_rollout|admin/propose_policy",
  status: 201,
  replies: {
    202: PROPOSED,
    404: "There is no such draft, or no such tenant.",
    409: "A rollout runs already, nothing is in force, or the draft was changed meanwhile.",
    429: "Too many policies are being compiled, or too many proposals are open.",
    503: "The Rego compiler or the master key is not configured.",
  },
  body: z.strictObject({
    draft_id: Identifier,
    tenant: tenantField.describe("The draft's tenant. A superadmin may leave it out."),
    mode: z.enum(["staged", "shadow"]).default("staged"),
    percent: Percent.default(10),
    labels: SidecarLabels.default({}),
    stop_when: StopWhen.prefault({}),
    started_by: claim,
  }),
  example: {
    body: {
      draft_id: "01HXYZ",
      tenant: "acme-corp",
      mode: "staged",
      percent: 10,
      labels: { env: "prod" },
      stop_when: { denials_up_percent_points: 5, calls_min: 100 },
      started_by: "joe@acme-corp.example",
    },
  },
  links: [
    { to: "policy_rollout_view", params: { id: "id" }, query: { tenant: "tenant" } },
    { to: "policy_rollout_change", params: { id: "id" }, query: { tenant: "tenant" } },
    { to: "policy_rollout_complete", params: { id: "id" }, query: { tenant: "tenant" } },
    { to: "policy_rollout_stop", params: { id: "id" }, query: { tenant: "tenant" } },
    { to: "fleet_rollout_report", params: { id: "id" } },
  ],
  reply: OutcomeView,
  run: async ({ body }, context) => {
    const tenant = await context.scope.named(body.tenant);
    const { mode, percent, labels, stop_when } = body;
    const { denials_up_percent_points: denialsUpPercentPoints, calls_min: callsMin } = stop_when;
    const plan = { mode, percent, labels, stopWhen: { denialsUpPercentPoints, callsMin } };
    const change = { kind: "stage", draftId: body.draft_id, plan } as const;
    const wish = { tenant, change, claim: body.started_by ?? "" };
    return outcomeAnswer(await context.changes.ask(context.work, wish), 201);
  },
});

const list = operation({
  id: "policy_rollout_list",
  method: "GET",
  path,
  summary: "List rollouts with what was counted, newest first",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_TENANT },
  query: z.strictObject({ ...tenantQuery, ...pageQuery({ limitMax: 100, limitDefault: 20 }) }),
  example: { query: { tenant: "acme-corp", limit: 100 } },
  links: [{ to: "policy_rollout_view", params: { id: "items/0/id" }, query: { tenant: "items/0/tenant" } }],
  reply: pageOf(CountedRolloutView),
  run: async ({ query: { tenant: asked, limit, cursor } }, context) => {
    const tenant = await context.scope.one(asked);
    const paged = { sort: "rollouts", filter: { tenant } };
    const [at, id] = startOf(context, paged, cursor) ?? [];
    const after = id === undefined ? undefined : { at: new Date(Number(at)), id: String(id) };
    const page = { tenant, after, limit: limit + 1 };
    const items = await context.work.read((executor) => context.rollouts.list(executor, page));
    return pageOfItems(context, paged, {
      items,
      limit,
      keyOf: ({ rollout }) => [rollout.startedAt.getTime(), rollout.id],
      view: countedRolloutView,
    });
  },
});

const view = operation({
  id: "policy_rollout_view",
  method: "GET",
  path: `${path}/{id}`,
  summary: "Read a rollout: what was counted, and calls that differ",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_ROLLOUT },
  ...byId,
  example: { query: { tenant: "acme-corp" } },
  reply: RolloutDetailView,
  run: async ({ params, query }, context) => {
    const key = { id: params.id, tenant: await context.scope.one(query.tenant) };
    return rolloutDetailView(await context.work.read((executor) => context.rollouts.find(executor, key)));
  },
});

const change = operation({
  id: "policy_rollout_change",
  method: "PATCH",
  path: `${path}/{id}`,
  summary: "Let more sidecars take part, or fewer",
  description: "Sidecars that take part at one percentage take part at every higher one.",
  tag,
  permission: "author",
  audit: "admin/change_rollout",
  status: 200,
  replies: { 404: NO_ROLLOUT, 409: ENDED },
  ...byId,
  body: z.strictObject({ percent: Percent }),
  example: { query: { tenant: "acme-corp" }, body: { percent: 50 } },
  reply: RolloutView,
  run: async ({ params, query, body }, context) => {
    const key = { id: params.id, tenant: await context.scope.one(query.tenant) };
    const { rollouts, work } = context;
    return rolloutView(await work.commit((unit) => rollouts.change(unit, key, body.percent)));
  },
});

const complete = operation({
  id: "policy_rollout_complete",
  method: "POST",
  path: `${path}/{id}/complete`,
  summary: "Put in force everywhere exactly what was tried",
  tag,
  permission: "author",
  audit: "admin/promote_policy|admin/propose_policy",
  status: 200,
  replies: {
    202: PROPOSED,
    404: NO_ROLLOUT,
    409: "The rollout was ended already, or its draft was changed since.",
    429: "Too many proposals are open.",
    503: "The master key is not configured.",
  },
  ...byId,
  body: z.strictObject({ promoted_by: claim }).optional(),
  example: { query: { tenant: "acme-corp" }, body: { promoted_by: "joe@acme-corp.example" } },
  reply: OutcomeView,
  run: async ({ params, query, body }, context) => {
    const tenant = await context.scope.one(query.tenant);
    const wish = {
      tenant,
      change: { kind: "complete", rolloutId: params.id },
      claim: body?.promoted_by ?? "",
    } as const;
    return outcomeAnswer(await context.changes.ask(context.work, wish), 200);
  },
});

const stop = operation({
  id: "policy_rollout_stop",
  method: "POST",
  path: `${path}/{id}/stop`,
  summary: "Take the candidate back: every sidecar returns to the active policy",
  tag,
  permission: "author",
  audit: "admin/stop_rollout",
  status: 200,
  replies: { 404: NO_ROLLOUT, 409: ENDED },
  ...byId,
  body: z.strictObject({ reason: z.string().max(2000).default("") }).optional(),
  example: { query: { tenant: "acme-corp" }, body: { reason: "It blocks too much." } },
  reply: RolloutView,
  run: async ({ params, query, body }, context) => {
    const key = { id: params.id, tenant: await context.scope.one(query.tenant) };
    const { rollouts, work } = context;
    return rolloutView(await work.commit((unit) => rollouts.stop(unit, key, body?.reason ?? "")));
  },
});

export const rolloutRows = [start, list, view, change, complete, stop];
