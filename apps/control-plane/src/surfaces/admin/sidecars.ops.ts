// Sidecars: who may connect.
import { Identifier } from "@postern/contracts";
import { pageOf, pageQuery } from "@postern/surface";
import { z } from "zod";
import { operation, pageOfItems, startOf } from "./context.ts";
import { NO_TENANT, tenantField, tenantQuery } from "./fields.ts";
import { AddedSidecarView, SidecarView, sidecarView } from "./views.ts";

const path = "/v1/admin/sidecars";
const tag = "Sidecars";

const create = operation({
  id: "sidecar_create",
  method: "POST",
  path,
  summary: "Add a sidecar",
  description: "Answers with its credential, which is shown once, and with the key that it pins.",
  tag,
  permission: "administer",
  audit: "admin/create_sidecar",
  status: 201,
  replies: { 404: NO_TENANT, 503: "The master key is not configured." },
  body: z.strictObject({ tenant: tenantField, name: z.string().max(200).default("") }),
  example: { body: { tenant: "acme-corp", name: "payments-1" } },
  links: [{ to: "sidecar_delete", params: { id: "sidecar_id" }, query: { tenant: "tenant" } }],
  reply: AddedSidecarView,
  run: async ({ body }, context) => {
    const request = { tenant: await context.scope.body(body.tenant), name: body.name };
    return await context.work.commit(async (unit) => {
      const { sidecar, credential, trustRoot } = await context.sidecars.add(unit, request);
      const { id, tenant, name } = sidecar;
      return { sidecar_id: id, tenant, name, credential, trust_root: trustRoot };
    });
  },
});

const list = operation({
  id: "sidecar_list",
  method: "GET",
  path,
  summary: "List sidecars",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_TENANT },
  query: z.strictObject({ ...tenantQuery, ...pageQuery() }),
  example: { query: { tenant: "acme-corp", limit: 100 } },
  links: [
    { to: "sidecar_delete", params: { id: "items/0/sidecar_id" }, query: { tenant: "items/0/tenant" } },
  ],
  reply: pageOf(SidecarView),
  run: async ({ query }, context) => {
    const tenant = await context.scope.any(query.tenant);
    const paged = { sort: "sidecars", filter: { tenant: tenant ?? null } };
    const [ofTenant, id] = startOf(context, paged, query.cursor) ?? [];
    const after = id === undefined ? undefined : { tenant: String(ofTenant), id: String(id) };
    const items = await context.work.read((executor) =>
      context.sidecars.list(executor, { tenant, limit: query.limit + 1, after }),
    );
    return pageOfItems(context, paged, {
      items,
      limit: query.limit,
      keyOf: (item) => [item.tenant, item.id],
      view: sidecarView,
    });
  },
});

const remove = operation({
  id: "sidecar_delete",
  method: "DELETE",
  path: `${path}/{id}`,
  summary: "Remove a sidecar",
  description:
    "Its credential stops working at once. Audit records that it has not delivered yet stay in its spool.",
  tag,
  permission: "administer",
  audit: "admin/remove_sidecar",
  status: 204,
  params: z.strictObject({ id: Identifier }),
  query: z.strictObject(tenantQuery),
  example: { query: { tenant: "acme-corp" } },
  run: async ({ params, query }, context) => {
    const key = { id: params.id, tenant: await context.scope.one(query.tenant) };
    await context.work.commit((unit) => context.sidecars.remove(unit, key));
  },
});

export const sidecarRows = [create, list, remove];
