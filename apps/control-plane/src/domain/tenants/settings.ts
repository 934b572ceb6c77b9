// What a tenant decides about its own rules: who must look at what, and for how long it counts. What was never set has its default, so that
// a new setting needs no migration.
import { z } from "zod";
import type { Executor } from "../../database/connection.ts";
import type { Unit } from "../unit.ts";
import { requireSecondToLoosen } from "./second-person.ts";
import { requireServed } from "./service.ts";
import { findSettings, lockSettings, updateSettings } from "./store.ts";

const ApprovalSettings = z.strictObject({
  four_eyes: z
    .boolean()
    .default(false)
    .describe("Whoever issued the capability token of a parked call may not decide on it."),
  approvers_required: z.int().min(1).max(5).default(1).describe("Different people who must say yes."),
  role: z
    .enum(["approver", "admin"])
    .default("approver")
    .describe("Role needed to decide: admin = an approver's role is not enough."),
  pending_seconds: z.int().min(5).max(604_800).default(3_600).describe("How long a call waits for people."),
  use_seconds: z
    .int()
    .min(5)
    .max(604_800)
    .default(900)
    .describe("How long an approval may be used after it was given."),
});

const PolicySettings = z.strictObject({
  two_person: z
    .boolean()
    .default(false)
    .describe("Promoting and rolling back need a second person, who agrees to exactly the same source."),
});

export const TenantSettings = z.strictObject({
  approvals: ApprovalSettings.prefault({}),
  policies: PolicySettings.prefault({}),
});
export type TenantSettings = Readonly<z.infer<typeof TenantSettings>>;

/** Of each group the fields that are to be set; the others stay. */
export const SettingsChange = z.strictObject({
  approvals: partially(ApprovalSettings).optional(),
  policies: partially(PolicySettings).optional(),
});
export type SettingsChange = z.infer<typeof SettingsChange>;

/** Defaults where nothing was set, also for a tenant that is not there. */
export async function tenantSettings(executor: Executor, tenant: string): Promise<TenantSettings> {
  return TenantSettings.parse((await findSettings(executor, tenant)) ?? {});
}

/** Faults: not_found "tenant.not_found"; forbidden "settings.second_person". */
export async function changeSettings(
  unit: Unit,
  tenant: string,
  change: SettingsChange,
): Promise<TenantSettings> {
  await requireServed(unit.executor, tenant);
  const before = TenantSettings.parse(await lockSettings(unit.executor, tenant));
  const settings = TenantSettings.parse({
    approvals: { ...before.approvals, ...change.approvals },
    policies: { ...before.policies, ...change.policies },
  });
  requireSecondToLoosen(unit, { before, after: settings });
  await updateSettings(unit.executor, tenant, settings);
  unit.record({ tenant, name: "change_settings", details: { before, after: settings } });
  return settings;
}

/** The same fields, none of them with a default: what is absent is not set. */
function partially<Shape extends Record<string, z.ZodDefault<z.ZodType>>>(group: z.ZodObject<Shape>) {
  const entries = Object.entries(group.shape).map(([name, field]) => [name, field.unwrap().optional()]);
  return z.strictObject(
    Object.fromEntries(entries) as {
      [Name in keyof Shape]: z.ZodOptional<ReturnType<Shape[Name]["unwrap"]>>;
    },
  );
}
