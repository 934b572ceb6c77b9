// Tenants.
import { TenantId } from "@postern/contracts";
import { z } from "zod";
import { isActive } from "../../domain/policies/model.ts";
import { SYSTEM_TENANT } from "../../domain/tenants/model.ts";
import { createTenant, listTenants } from "../../domain/tenants/service.ts";
import { operation } from "./context.ts";
import { TenantView } from "./views.ts";

const list = operation({
  id: "tenant_list",
  method: "GET",
  path: "/v1/admin/tenants",
  summary: "List tenants",
  description: "A tenant's admin sees its own only.",
  tag: "Tenants",
  permission: "read",
  audit: "none",
  status: 200,
  reply: z.array(TenantView),
  run: async (_, context) => {
    const own = await context.scope.any(undefined);
    return await context.work.read(async (executor) => {
      const tenants = (await listTenants(executor, own)).map((row) => row.tenant);
      const inForce = await context.policies.inForce(executor, tenants);
      const pending = await context.approvals.pendingCounts(executor, tenants, context.clock.nowMs());
      const recent = await context.audit.recentCounts(executor, tenants, context.clock.nowMs());
      return tenants.map((name) => {
        const policy = inForce.get(name);
        return {
          name,
          active_policy_sha: isActive(policy) ? policy.regoSha256 : "",
          pending_approvals: pending.get(name) ?? 0,
          recent_event_count: recent.get(name) ?? 0,
        };
      });
    });
  },
});

const create = operation({
  id: "tenant_create",
  method: "POST",
  path: "/v1/admin/tenants",
  summary: "Add a tenant",
  description:
    "The only way to a further tenant, but for those that POSTERN_TENANT_ADMIN_TOKENS names at the start; what names an unknown one answers 404.",
  tag: "Tenants",
  permission: "superadmin",
  audit: "admin/create_tenant",
  status: 201,
  replies: { 409: "There is a tenant of this name." },
  body: z.strictObject({ name: TenantId.meta({ not: { const: SYSTEM_TENANT } }) }),
  example: { body: { name: "acme-corp" } },
  links: [
    { to: "settings_view", query: { tenant: "name" } },
    { to: "sidecar_create", body: { tenant: "name" } },
    { to: "capability_mint", body: { tenant: "name" } },
  ],
  reply: TenantView,
  run: ({ body }, context) =>
    context.work.commit(async (unit) => {
      await createTenant(unit, body.name);
      return { name: body.name, active_policy_sha: "", pending_approvals: 0, recent_event_count: 1 };
    }),
});

export const tenantRows = [list, create];
