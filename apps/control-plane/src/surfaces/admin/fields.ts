// Fields that several rows take, declared once.
import { TenantId } from "@postern/contracts";
import { z } from "zod";

/** Why a row that names a tenant answers 404. */
export const NO_TENANT = "There is no such tenant; the message says how to add one.";

export const tenantQuery = {
  tenant: TenantId.optional().describe(
    "Superadmin only: the tenant that this is about. A tenant's admin is always in its own.",
  ),
};

export const tenantField = TenantId.optional().describe(
  'The tenant that this is for. Default: the admin\'s own; for a superadmin "default".',
);

/** Who the caller says acts: written down as a claim beside the credential, never believed. */
export const claim = z.string().min(1).max(200).optional();

export const instantQuery = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .optional();
