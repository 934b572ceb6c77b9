// Policy drafts: write, read, change, throw away.
import { Identifier } from "@postern/contracts";
import { z } from "zod";
import { operation } from "./context.ts";
import { claim, NO_TENANT, REGO_EXAMPLE, tenantField, tenantQuery } from "./fields.ts";
import { DraftSummaryView, DraftView, draftSummaryView, draftView } from "./views.ts";

const base = "/v1/admin/policies/drafts";
const tag = "Policies";
const name = z.string().min(1).max(200);
const description = z.string().max(2000);
const source = z.string().min(1).max(262_144);
const byId = { params: z.strictObject({ id: Identifier }) };
const PROMOTED = "The draft was promoted and cannot change; the message says what to do.";
const NO_COMPILER = "The Rego compiler is not configured.";

const list = operation({
  id: "policy_draft_list",
  method: "GET",
  path: base,
  summary: "List drafts, newest first",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_TENANT },
  query: z.strictObject(tenantQuery),
  example: { query: { tenant: "acme-corp" } },
  links: [{ to: "policy_draft_view", params: { id: "0/id" } }],
  reply: z.array(DraftSummaryView),
  run: async ({ query }, context) => {
    const tenant = await context.scope.any(query.tenant);
    const drafts = await context.work.read((executor) => context.drafts.list(executor, tenant));
    return drafts.map(draftSummaryView);
  },
});

const create = operation({
  id: "policy_draft_create",
  method: "POST",
  path: base,
  summary: "Create a draft",
  description: "The Rego is compiled; what the compiler says against it comes back word for word.",
  tag,
  permission: "author",
  audit: "admin/create_draft",
  status: 201,
  replies: {
    404: NO_TENANT,
    429: "Too many policies are being compiled.",
    503: NO_COMPILER,
  },
  body: z.strictObject({
    name,
    description: description.default(""),
    rego_source: source,
    tenant: tenantField,
    created_by: claim,
  }),
  example: {
    body: {
      name: "baseline-2026-06",
      description: "Add value-threshold rule for transfer_funds",
      rego_source: REGO_EXAMPLE,
      tenant: "acme-corp",
      created_by: "joe@acme-corp.example",
    },
  },
  links: [
    { to: "policy_draft_view", params: { id: "id" } },
    { to: "policy_draft_update", params: { id: "id" } },
    { to: "policy_draft_delete", params: { id: "id" } },
    { to: "policy_promote", body: { draft_id: "id", tenant: "tenant" } },
    { to: "policy_rollout_start", body: { draft_id: "id", tenant: "tenant" } },
    { to: "policy_dry_run", body: { rego_source: "rego_source", tenant: "tenant" } },
  ],
  reply: DraftView,
  run: async ({ body }, context) => {
    const tenant = await context.scope.first(body.tenant);
    const { rego_source, created_by = "" } = body;
    const draft = {
      tenant,
      name: body.name,
      description: body.description,
      regoSource: rego_source,
      claim: created_by,
    };
    return draftView(await context.drafts.create(context.work, draft));
  },
});

const view = operation({
  id: "policy_draft_view",
  method: "GET",
  path: `${base}/{id}`,
  summary: "Read a draft with its source",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  ...byId,
  links: [{ to: "policy_dry_run", body: { rego_source: "rego_source", tenant: "tenant" } }],
  reply: DraftView,
  run: async ({ params }, context) => {
    const key = { id: params.id, tenant: await context.scope.any(undefined) };
    return draftView(await context.work.read((executor) => context.drafts.find(executor, key)));
  },
});

const update = operation({
  id: "policy_draft_update",
  method: "PUT",
  path: `${base}/{id}`,
  summary: "Change a draft that was never promoted",
  tag,
  permission: "author",
  audit: "admin/update_draft",
  status: 200,
  replies: { 409: PROMOTED, 429: "Too many policies are being compiled.", 503: NO_COMPILER },
  ...byId,
  body: z.strictObject({
    name: name.optional(),
    description: description.optional(),
    rego_source: source.optional(),
  }),
  example: {
    body: { name: "baseline-2026-06", description: "Threshold lowered", rego_source: REGO_EXAMPLE },
  },
  reply: DraftView,
  run: async ({ params, body }, context) => {
    const key = { id: params.id, tenant: await context.scope.any(undefined) };
    const change = { name: body.name, description: body.description, regoSource: body.rego_source };
    return draftView(await context.drafts.update(context.work, key, change));
  },
});

const remove = operation({
  id: "policy_draft_delete",
  method: "DELETE",
  path: `${base}/{id}`,
  summary: "Delete a draft that was never promoted",
  tag,
  permission: "author",
  audit: "admin/delete_draft",
  status: 204,
  replies: { 409: PROMOTED },
  ...byId,
  run: async ({ params }, context) => {
    const key = { id: params.id, tenant: await context.scope.any(undefined) };
    await context.work.commit((unit) => context.drafts.remove(unit, key));
  },
});

export const draftRows = [list, create, view, update, remove];
