// A tenant's own rules.
import { z } from "zod";
import {
  changeSettings,
  SettingsChange,
  TenantSettings,
  tenantSettings,
} from "../../domain/tenants/settings.ts";
import { operation } from "./context.ts";
import { NO_TENANT, tenantField, tenantQuery } from "./fields.ts";

const path = "/v1/admin/settings";
const tag = "Settings";

const view = operation({
  id: "settings_view",
  method: "GET",
  path,
  summary: "Read the tenant's rules",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_TENANT },
  query: z.strictObject(tenantQuery),
  example: { query: { tenant: "acme-corp" } },
  reply: TenantSettings,
  run: async ({ query }, context) => {
    const tenant = await context.scope.one(query.tenant);
    return await context.work.read((executor) => tenantSettings(executor, tenant));
  },
});

const change = operation({
  id: "settings_change",
  method: "PATCH",
  path,
  summary: "Change some of the tenant's rules",
  description:
    "What is left out stays as it is. To switch `two_person` or `four_eyes` off, or to ask for fewer approvers, takes a second person: an " +
    "elevation to admin that is named in `X-Postern-Elevation-Id`.",
  tag,
  permission: "administer",
  audit: "admin/change_settings",
  status: 200,
  replies: {
    403: "The credential does not cover this operation; or fewer people would be asked (`settings.second_person`): it takes an elevation to admin.",
    404: NO_TENANT,
  },
  body: z.strictObject({ tenant: tenantField, ...SettingsChange.shape }),
  example: {
    body: {
      tenant: "acme-corp",
      approvals: { pending_seconds: 3600, use_seconds: 600 },
      policies: { two_person: false },
    },
  },
  reply: TenantSettings,
  run: async ({ body: { tenant: asked, ...settings } }, context) => {
    const tenant = await context.scope.body(asked);
    return await context.work.commit((unit) => changeSettings(unit, tenant, settings));
  },
});

export const settingsRows = [view, change];
