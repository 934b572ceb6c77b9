// The inventory of tools: what was seen, what is approved, what waits, and the decisions about it.
import { Identifier, PinMode, Sha256Hex, ToolStatus, UpstreamName } from "@postern/contracts";
import { pageOf, pageQuery } from "@postern/surface";
import { z } from "zod";
import { operation, pageOfItems, startOf } from "./context.ts";
import { NO_TENANT, tenantField, tenantQuery } from "./fields.ts";
import { ToolDetailView, ToolView, toolDetailView, toolView } from "./tool-views.ts";

const path = "/v1/admin/tools";
const tag = "Tools";
const byId = { params: z.strictObject({ id: Identifier }), query: z.strictObject(tenantQuery) };
const reason = z.string().max(2000).default("");
const ModeView = z.strictObject({ tenant: z.string(), mode: PinMode });

const list = operation({
  id: "tool_list",
  method: "GET",
  path,
  summary: "List tools by upstream and name",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_TENANT },
  query: z.strictObject({
    ...tenantQuery,
    upstream: UpstreamName.optional(),
    status: ToolStatus.optional(),
    ...pageQuery(),
  }),
  example: { query: { tenant: "acme-corp", upstream: "bank", limit: 100 } },
  links: [
    { to: "tool_view", params: { id: "items/0/id" }, query: { tenant: "items/0/tenant" } },
    { to: "tool_quarantine", params: { id: "items/0/id" }, query: { tenant: "items/0/tenant" } },
    {
      to: "tool_approve",
      params: { id: "items/0/id" },
      query: { tenant: "items/0/tenant" },
      body: { digest: "items/0/waiting_digest" },
    },
  ],
  reply: pageOf(ToolView),
  run: async ({ query }, context) => {
    const tenant = await context.scope.any(query.tenant);
    const { upstream, status, limit } = query;
    const filter = { tenant: tenant ?? null, upstream: upstream ?? null, status: status ?? null };
    const paged = { sort: "tools", filter };
    const [ofTenant, ofUpstream, name] = startOf(context, paged, query.cursor) ?? [];
    const after =
      name === undefined
        ? undefined
        : { tenant: String(ofTenant), upstream: String(ofUpstream), name: String(name) };
    const items = await context.work.read((executor) =>
      context.tools.list(executor, { tenant, upstream, status, limit: limit + 1, after }),
    );
    return pageOfItems(context, paged, {
      items,
      limit,
      keyOf: (item) => [item.tenant, item.upstream, item.name],
      view: toolView,
    });
  },
});

const modeView = operation({
  id: "tool_mode_view",
  method: "GET",
  path: `${path}/mode`,
  summary: "Read which tools need approval",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_TENANT },
  query: z.strictObject(tenantQuery),
  example: { query: { tenant: "acme-corp" } },
  reply: ModeView,
  run: async ({ query }, context) => {
    const tenant = await context.scope.one(query.tenant);
    return { tenant, mode: await context.work.read((executor) => context.tools.mode(executor, tenant)) };
  },
});

const modeSet = operation({
  id: "tool_mode_set",
  method: "PUT",
  path: `${path}/mode`,
  summary: "Choose which tools need approval",
  description:
    "`trust_first`: the first definition of a tool is approved by being seen, another one waits. `approve_all`: every definition waits, but " +
    "what is approved already stays. `off`: what is seen is noted, and nothing is held back.",
  tag,
  permission: "administer",
  audit: "admin/set_tool_mode",
  status: 200,
  replies: { 404: NO_TENANT },
  body: z.strictObject({ mode: PinMode, tenant: tenantField }),
  example: { body: { mode: "approve_all", tenant: "acme-corp" } },
  reply: ModeView,
  run: async ({ body }, context) => {
    const tenant = await context.scope.body(body.tenant);
    await context.work.commit((unit) => context.tools.setMode(unit, tenant, body.mode));
    return { tenant, mode: body.mode };
  },
});

const view = operation({
  id: "tool_view",
  method: "GET",
  path: `${path}/{id}`,
  summary: "Read a tool: what is approved, what waits, and what differs",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  ...byId,
  example: { query: { tenant: "acme-corp" } },
  links: [
    {
      to: "tool_approve",
      params: { id: "id" },
      query: { tenant: "tenant" },
      body: { digest: "waiting_digest" },
    },
  ],
  reply: ToolDetailView,
  run: async ({ params, query }, context) => {
    const key = { id: params.id, tenant: await context.scope.one(query.tenant) };
    return toolDetailView(await context.work.read((executor) => context.tools.find(executor, key)));
  },
});

const approve = operation({
  id: "tool_approve",
  method: "POST",
  path: `${path}/{id}/approve`,
  summary: "Approve a definition of a tool, and no other",
  description:
    "Names the definition by its digest: the one that waits, or one that was approved before (to turn down what waits, or to put a blocked " +
    "tool back to use). Sidecars hear of it at once.",
  tag,
  permission: "approve",
  audit: "admin/approve_tool",
  status: 200,
  replies: { 409: "The definition has changed meanwhile, or too many would be approved at once." },
  ...byId,
  body: z.strictObject({
    digest: Sha256Hex,
    reason,
    keep: z
      .boolean()
      .default(false)
      .describe("Leaves what was approved before approved, for two releases that run side by side."),
  }),
  example: {
    query: { tenant: "acme-corp" },
    body: {
      digest: "edcd2f73a44b0b45817847479966026c4afe579c707ff49fa9fb7dc0c3e04ad2",
      reason: "Read and compared.",
      keep: false,
    },
  },
  reply: ToolDetailView,
  run: async ({ params, query, body }, context) => {
    const key = { id: params.id, tenant: await context.scope.one(query.tenant) };
    return toolDetailView(await context.work.commit((unit) => context.tools.approve(unit, key, body)));
  },
});

const quarantine = operation({
  id: "tool_quarantine",
  method: "POST",
  path: `${path}/{id}/quarantine`,
  summary: "Take a tool out of use, whatever its definition, until it is approved again",
  tag,
  permission: "operate",
  audit: "admin/block_tool",
  status: 200,
  ...byId,
  body: z.strictObject({ reason }),
  example: { query: { tenant: "acme-corp" }, body: { reason: "It answers too much." } },
  links: [
    {
      to: "tool_approve",
      params: { id: "id" },
      query: { tenant: "tenant" },
      body: { digest: "approved_digests/0" },
    },
  ],
  reply: ToolDetailView,
  run: async ({ params, query, body }, context) => {
    const key = { id: params.id, tenant: await context.scope.one(query.tenant) };
    const { tools, work } = context;
    return toolDetailView(await work.commit((unit) => tools.block(unit, key, body.reason)));
  },
});

export const toolRows = [list, modeView, modeSet, view, approve, quarantine];
