// Fields that several rows take, declared once.
import { TenantId } from "@postern/contracts";
import { z } from "zod";
import { SYSTEM_TENANT } from "../../domain/tenants/model.ts";

/** Why a row that names a tenant answers 404. */
export const NO_TENANT = "There is no such tenant; the message says how to add one.";

export const tenantQuery = {
  tenant: TenantId.optional().describe(
    "Superadmin only: the tenant that this is about. A tenant's admin is always in its own.",
  ),
};

export const tenantField = TenantId.meta({ not: { const: SYSTEM_TENANT } })
  .optional()
  .describe('The tenant that this is for. Default: the admin\'s own; for a superadmin "default".');

/** Who the caller says acts: written down as a claim beside the credential, never believed. */
export const claim = z.string().min(1).max(200).optional();

/** What examples show as a policy. */
export const REGO_EXAMPLE = `package intentgate.policy

import rego.v1

default decision := {"allow": false, "reason": "nothing allows it"}

decision := {"allow": true} if startswith(input.tool, "read_")

decision := {"allow": true} if {
  input.tool == "transfer_funds"
  input.args.amount_eur <= 10000
}

decision := {"allow": false, "escalate": true, "reason": "large transfer"} if {
  input.tool == "transfer_funds"
  input.args.amount_eur > 10000
}
`;

export const instantQuery = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .optional();
