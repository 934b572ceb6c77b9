// Kill switches: engage, list, release. They stop at once and are told to every connected sidecar; what the document's product spells
// differently is taken too.
import { HaltReason, HaltScope, Identifier, TenantId } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { answer, pageOf, pageQuery } from "@postern/surface";
import { z } from "zod";
import { type HaltTarget, type KillSwitch, stateOf, stopsEverybody } from "../../domain/halts/model.ts";
import { SYSTEM_TENANT } from "../../domain/tenants/model.ts";
import { type AdminContext, operation, pageOfItems, startOf } from "./context.ts";
import { NO_TENANT, tenantField, tenantQuery } from "./fields.ts";

const path = "/v1/admin/kill-switch";
const tag = "Kill switches";
/** Ten years. */
const TTL_SECONDS_MAX = 315_360_000;
const text = z.string();
const instant = z.iso.datetime();

const HaltView = z.strictObject({
  id: text,
  scope: HaltScope,
  value: text,
  tenant: text.optional().describe("Absent for the one that stops everybody."),
  reason: text,
  state: z.enum(["on", "released", "expired"]),
  engaged_at: instant,
  engaged_by: text,
  expires_at: instant.optional().describe("Absent: until it is released."),
  released_at: instant.optional(),
  released_by: text.optional(),
  release_reason: text.optional(),
});

function haltView(halt: KillSwitch, nowMs: number): z.input<typeof HaltView> {
  const { id, scope, value, tenant, reason, engagedAt, engagedBy, expiresAt, releasedAt } = halt;
  return {
    ...{ id, scope, value, reason, state: stateOf(halt, nowMs) },
    ...(!stopsEverybody(halt) && { tenant }),
    ...{ engaged_at: engagedAt.toISOString(), engaged_by: engagedBy },
    ...(expiresAt !== null && { expires_at: expiresAt.toISOString() }),
    ...(releasedAt !== null && {
      released_at: releasedAt.toISOString(),
      released_by: halt.releasedBy,
      release_reason: halt.releaseReason,
    }),
  };
}

const target = {
  scope: HaltScope.describe(
    "global: everybody (superadmin only) · tenant · agent · tool: its name, or a glob · token: as it is presented · subtree: a token and all that is derived from it.",
  ),
  value: z
    .string()
    .max(256)
    .default("")
    .describe("Agent, tool or token id. For the scope tenant: nothing, or the tenant's name."),
  tenant: tenantField,
};

const engage = operation({
  id: "halt_engage",
  method: "POST",
  path,
  summary: "Stop somebody or something at once",
  description:
    "The reason is shown to whoever is stopped. What is stopped already stays stopped under its first reason; its end moves if the one " +
    "asked for lies later, and never nearer. Tokens may still be issued meanwhile; they are worth nothing until the switch is off.",
  tag,
  permission: "operate",
  audit: "admin/engage_halt",
  status: 201,
  replies: { 200: "It was on already.", 404: NO_TENANT, 429: "Too many are on at once." },
  body: z.strictObject({
    ...target,
    reason: HaltReason,
    ttl_seconds: z.int().min(1).max(TTL_SECONDS_MAX).optional().describe("Ends by itself after so long …"),
    expires_at: z.iso
      .datetime({ offset: true })
      .optional()
      .describe("… or at this instant. Without either: when it is released."),
  }),
  example: {
    body: {
      scope: "agent",
      value: "agent-finance-bot-7",
      tenant: "acme-corp",
      reason: "It pays twice.",
      ttl_seconds: 3600,
    },
  },
  links: [
    { to: "halt_release", params: { id: "id" } },
    { to: "halt_release_target", body: { scope: "scope", value: "value", tenant: "tenant" } },
  ],
  reply: HaltView,
  run: async ({ body }, context) => {
    const at = await targetOf(body, context);
    const nowMs = context.clock.nowMs();
    const request = { ...at, reason: body.reason, expiresAt: endOf(body, nowMs) };
    const { halt, isNew } = await context.work.commit((unit) => context.halts.engage(unit, request));
    return answer(haltView(halt, nowMs), { status: isNew ? 201 : 200 });
  },
});

const list = operation({
  id: "halt_list",
  method: "GET",
  path,
  summary: "List kill switches, newest first",
  description: "What stops everybody is on every tenant's list.",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_TENANT },
  query: z.strictObject({
    ...tenantQuery,
    state: z.enum(["on", "all"]).default("on").describe("all: with those that have ended."),
    ...pageQuery(),
  }),
  example: { query: { tenant: "acme-corp", state: "all", limit: 100 } },
  links: [{ to: "halt_release", params: { id: "items/0/id" } }],
  reply: pageOf(HaltView),
  run: async ({ query: { tenant: asked, state, limit, cursor } }, context) => {
    const tenant = await context.scope.any(asked);
    const paged = { sort: "halts", filter: { tenant: tenant ?? null, state } };
    const [engagedAt, ofTenant, id] = startOf(context, paged, cursor) ?? [];
    const after =
      id === undefined
        ? undefined
        : { engagedAt: new Date(String(engagedAt)), tenant: String(ofTenant), id: String(id) };
    const nowMs = context.clock.nowMs();
    const onAtMs = state === "on" ? nowMs : undefined;
    const filter = { tenant, onAtMs, limit: limit + 1, after };
    const items = await context.work.read((executor) => context.halts.list(executor, filter));
    return pageOfItems(context, paged, {
      items,
      limit,
      keyOf: (item) => [item.engagedAt.toISOString(), item.tenant, item.id],
      view: (item) => haltView(item, nowMs),
    });
  },
});

const release = operation({
  id: "halt_release",
  method: "POST",
  path: `${path}/{id}/release`,
  summary: "Let go what a kill switch stops",
  tag,
  permission: "operate",
  audit: "admin/release_halt",
  status: 204,
  replies: { 404: "There is no such kill switch.", 409: "It is no longer on." },
  params: z.strictObject({ id: Identifier }),
  body: z.strictObject({ reason: HaltReason }),
  example: { body: { reason: "It was mended." } },
  run: async ({ params, body }, context) => {
    const key = { id: params.id, tenant: await context.scope.any(undefined) };
    await context.work.commit((unit) => context.halts.release(unit, key, body.reason));
  },
});

const releaseTarget = operation({
  id: "halt_release_target",
  method: "POST",
  path: `${path}/release`,
  summary: "Let go by naming what is stopped",
  tag,
  permission: "operate",
  audit: "admin/release_halt",
  status: 204,
  replies: { 404: "No kill switch of this scope and value is on." },
  body: z.strictObject({ ...target, reason: HaltReason.optional() }),
  example: {
    body: { scope: "agent", value: "agent-finance-bot-7", tenant: "acme-corp", reason: "It was mended." },
  },
  run: async ({ body }, context) => {
    const at = await targetOf(body, context);
    await context.work.commit((unit) => context.halts.releaseTarget(unit, at, body.reason ?? ""));
  },
});

interface TargetBody {
  readonly scope: HaltScope;
  readonly value: string;
  readonly tenant?: string | undefined;
}

/** Which tenant is meant, and that the caller may stop so much. */
async function targetOf({ scope, value, tenant }: TargetBody, context: AdminContext): Promise<HaltTarget> {
  if (scope === "global") {
    const own = await context.scope.named(tenant);
    if ((await context.scope.any(undefined)) !== undefined) throw everybodys();
    if (own !== undefined) throw wrong("tenant: the scope global is no tenant's");
    return { tenant: SYSTEM_TENANT, scope, value };
  }
  if (scope !== "tenant" || value === "") return { tenant: await context.scope.body(tenant), scope, value };
  // The tenant may stand in either field, and in both only if they agree.
  const named = TenantId.safeParse(value);
  if (!named.success || (tenant !== undefined && tenant !== value))
    throw wrong("value: the scope tenant takes no value, or the tenant's name");
  return { tenant: await context.scope.body(value), scope, value: "" };
}

interface EndBody {
  readonly ttl_seconds?: number | undefined;
  readonly expires_at?: string | undefined;
}

function endOf({ ttl_seconds, expires_at }: EndBody, nowMs: number): Date | null {
  if (ttl_seconds !== undefined && expires_at !== undefined)
    throw wrong("expires_at: either this or ttl_seconds may be given");
  if (ttl_seconds !== undefined) return new Date(nowMs + ttl_seconds * 1000);
  return expires_at === undefined ? null : new Date(expires_at);
}

const wrong = (what: string) => new Fault("invalid", "halts.target", `body.${what}`);
const everybodys = () =>
  new Fault("forbidden", "admin.forbidden", "What stops everybody needs the superadmin token.");

export const haltRows = [engage, list, release, releaseTarget];
