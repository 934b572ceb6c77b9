// Registered upstreams: the tool servers that a tenant's sidecars reach besides those of their own configuration, and which secrets open them.
import { RegisteredUpstream, UpstreamName } from "@postern/contracts";
import { pageOf, pageQuery } from "@postern/surface";
import { z } from "zod";
import type { Upstream } from "../../domain/upstreams/model.ts";
import { operation, pageOfItems, startOf } from "./context.ts";
import { NO_TENANT, tenantField, tenantQuery } from "./fields.ts";

const path = "/v1/admin/upstreams";
const tag = "Upstreams";
const byName = { params: z.strictObject({ name: UpstreamName }), query: z.strictObject(tenantQuery) };
const NO_UPSTREAM = "There is no such upstream.";
const UPSTREAM_EXAMPLE = {
  transport: "http",
  url: "https://crm.acme-corp.example/mcp",
  auth: { kind: "header", header: "Authorization", prefix: "Bearer ", secret: { from: "file", name: "crm" } },
  enabled: true,
};
const text = z.string();
const instant = z.iso.datetime();

const { name, transport, url, auth } = RegisteredUpstream.shape;
const settings = {
  transport: transport
    .default("http")
    .describe("`http`: Streamable HTTP. `sse`: HTTP+SSE, the transport of 2024-11-05."),
  url: url.describe(
    "Address of the server, used as it stands; everybody who may read the registry sees it. Credentials in it are refused.",
  ),
  auth: auth
    .default({ kind: "none" })
    .describe(
      "How sidecars show themselves to the server. A secret is named, never given: each sidecar finds it in its own folder of upstream secrets, " +
        "in a variable POSTERN_UPSTREAM_SECRET_<name>, or in Vault.",
    ),
  enabled: z.boolean().default(true).describe("One that is not enabled is kept, and no sidecar hears of it."),
};

const UpstreamView = z.strictObject({
  name: text,
  tenant: text,
  transport,
  url: text,
  auth,
  enabled: z.boolean(),
  created_at: instant,
  created_by: text,
  updated_at: instant,
  updated_by: text,
});

function upstreamView(upstream: Upstream): z.input<typeof UpstreamView> {
  const { createdAt, createdBy, updatedAt, updatedBy } = upstream;
  return {
    ...{ name: upstream.name, tenant: upstream.tenant, transport: upstream.transport, url: upstream.url },
    ...{ auth: upstream.auth, enabled: upstream.enabled },
    ...{ created_at: createdAt.toISOString(), created_by: createdBy },
    ...{ updated_at: updatedAt.toISOString(), updated_by: updatedBy },
  };
}

const create = operation({
  id: "upstream_create",
  method: "POST",
  path,
  summary: "Register an upstream",
  description:
    "Sidecars whose operators turned the registry on reach it at `/v1/mcp/<name>` at once. A sidecar that has an upstream of this name in its " +
    "own configuration keeps its own.",
  tag,
  permission: "administer",
  audit: "admin/add_upstream",
  status: 201,
  replies: {
    404: NO_TENANT,
    409: "The tenant has an upstream of this name already.",
    429: "The tenant has registered too many.",
  },
  body: z.strictObject({ tenant: tenantField, name, ...settings }),
  example: { body: { tenant: "acme-corp", name: "crm", ...UPSTREAM_EXAMPLE } },
  links: [
    { to: "upstream_view", params: { name: "name" }, query: { tenant: "tenant" } },
    { to: "upstream_replace", params: { name: "name" }, query: { tenant: "tenant" } },
    { to: "upstream_delete", params: { name: "name" }, query: { tenant: "tenant" } },
  ],
  reply: UpstreamView,
  run: async ({ body: { tenant: asked, name, ...given } }, context) => {
    const key = { tenant: await context.scope.body(asked), name };
    return upstreamView(await context.work.commit((unit) => context.upstreams.add(unit, key, given)));
  },
});

const list = operation({
  id: "upstream_list",
  method: "GET",
  path,
  summary: "List registered upstreams by name",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_TENANT },
  query: z.strictObject({ ...tenantQuery, ...pageQuery() }),
  example: { query: { tenant: "acme-corp", limit: 100 } },
  links: [{ to: "upstream_view", params: { name: "items/0/name" }, query: { tenant: "items/0/tenant" } }],
  reply: pageOf(UpstreamView),
  run: async ({ query: { tenant: asked, limit, cursor } }, context) => {
    const tenant = await context.scope.any(asked);
    const paged = { sort: "upstreams", filter: { tenant: tenant ?? null } };
    const [ofTenant, name] = startOf(context, paged, cursor) ?? [];
    const after = name === undefined ? undefined : { tenant: String(ofTenant), name: String(name) };
    const items = await context.work.read((executor) =>
      context.upstreams.list(executor, { tenant, limit: limit + 1, after }),
    );
    return pageOfItems(context, paged, {
      items,
      limit,
      keyOf: (item) => [item.tenant, item.name],
      view: upstreamView,
    });
  },
});

const view = operation({
  id: "upstream_view",
  method: "GET",
  path: `${path}/{name}`,
  summary: "Read a registered upstream",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_UPSTREAM },
  ...byName,
  example: { query: { tenant: "acme-corp" } },
  reply: UpstreamView,
  run: async ({ params, query }, context) => {
    const key = { tenant: await context.scope.one(query.tenant), name: params.name };
    return upstreamView(await context.work.read((executor) => context.upstreams.find(executor, key)));
  },
});

const replace = operation({
  id: "upstream_replace",
  method: "PUT",
  path: `${path}/{name}`,
  summary: "Change a registered upstream",
  description:
    "What is left out takes its default. Calls under way finish where they began; sessions with the server must be opened anew.",
  tag,
  permission: "administer",
  audit: "admin/change_upstream",
  status: 200,
  replies: { 404: NO_UPSTREAM },
  ...byName,
  body: z.strictObject(settings),
  example: { query: { tenant: "acme-corp" }, body: UPSTREAM_EXAMPLE },
  reply: UpstreamView,
  run: async ({ params, query, body }, context) => {
    const key = { tenant: await context.scope.one(query.tenant), name: params.name };
    return upstreamView(await context.work.commit((unit) => context.upstreams.replace(unit, key, body)));
  },
});

const remove = operation({
  id: "upstream_delete",
  method: "DELETE",
  path: `${path}/{name}`,
  summary: "Remove a registered upstream",
  description: "There is nothing at `/v1/mcp/<name>` any more. Calls under way finish; sessions end.",
  tag,
  permission: "administer",
  audit: "admin/remove_upstream",
  status: 204,
  replies: { 404: NO_UPSTREAM },
  ...byName,
  example: { query: { tenant: "acme-corp" } },
  run: async ({ params, query }, context) => {
    const key = { tenant: await context.scope.one(query.tenant), name: params.name };
    await context.work.commit((unit) => context.upstreams.remove(unit, key));
  },
});

export const upstreamRows = [create, list, view, replace, remove];
