// Elevations: one more role for a while, with a reason, by the decision of somebody else.
import { Identifier } from "@postern/contracts";
import { pageOf, pageQuery } from "@postern/surface";
import { z } from "zod";
import {
  ElevatedRole,
  type Elevation,
  ElevationStatus,
  statusAt,
  TTL_SECONDS_MAX,
} from "../../domain/elevations/model.ts";
import { operation, pageOfItems, startOf } from "./context.ts";
import { NO_TENANT, tenantField, tenantQuery } from "./fields.ts";

const path = "/v1/admin/elevations";
const tag = "Elevations";
const NO_ELEVATION = "There is no such elevation.";
const byId = { params: z.strictObject({ id: Identifier }), query: z.strictObject(tenantQuery) };
const text = z.string();
const instant = z.iso.datetime();

const ElevationView = z.strictObject({
  id: text,
  tenant: text,
  requester: text.describe("The identity that asked for it, as acts are told under."),
  role: ElevatedRole,
  reason: text,
  ttl_seconds: z.int().min(1),
  status: ElevationStatus,
  created_at: instant,
  expires_at: instant.describe("Until when it can be decided on, or used."),
  decided_at: instant.optional(),
  decided_by: text.optional(),
  decision_reason: text.optional(),
  ended_at: instant.optional(),
  ended_by: text.optional(),
});

function elevationView(elevation: Elevation, nowMs: number): z.input<typeof ElevationView> {
  const { id, tenant, requester, role, reason, ttlSeconds, decidedAt, endedAt } = elevation;
  const { decidedBy, decisionReason, endedBy } = elevation;
  return {
    ...{ id, tenant, requester, role, reason, ttl_seconds: ttlSeconds },
    status: statusAt(elevation, nowMs),
    created_at: elevation.createdAt.toISOString(),
    expires_at: elevation.expiresAt.toISOString(),
    ...(decidedAt !== null && {
      decided_at: decidedAt.toISOString(),
      decided_by: decidedBy,
      decision_reason: decisionReason,
    }),
    ...(endedAt !== null && { ended_at: endedAt.toISOString(), ended_by: endedBy }),
  };
}

const request = operation({
  id: "elevation_request",
  method: "POST",
  path,
  summary: "Ask for one more role for a while",
  description:
    "Somebody else who is an admin decides. While it is active, calls that name it in `X-Postern-Elevation-Id` have its role besides their " +
    "own, and are told under its id.",
  tag,
  permission: "read",
  audit: "admin/request_elevation",
  status: 201,
  replies: { 404: NO_TENANT, 429: "You have too many that are open." },
  body: z.strictObject({
    reason: z.string().min(1).max(1_024),
    role: ElevatedRole,
    ttl_seconds: z.int().min(60).max(TTL_SECONDS_MAX).default(3_600).describe("From the decision on."),
    tenant: tenantField,
  }),
  example: { body: { reason: "Incident 4711", role: "operator", ttl_seconds: 3600, tenant: "acme-corp" } },
  links: [
    { to: "elevation_view", params: { id: "id" }, query: { tenant: "tenant" } },
    { to: "elevation_decide", params: { id: "id" }, query: { tenant: "tenant" } },
    { to: "elevation_end", params: { id: "id" }, query: { tenant: "tenant" } },
  ],
  reply: ElevationView,
  run: async ({ body: { reason, role, ...body } }, { scope, work, elevations, clock }) => {
    const tenant = await scope.body(body.tenant);
    const asked = { tenant, role, reason, ttlSeconds: body.ttl_seconds };
    return elevationView(await work.commit((unit) => elevations.request(unit, asked)), clock.nowMs());
  },
});

const list = operation({
  id: "elevation_list",
  method: "GET",
  path,
  summary: "List elevations, the latest first",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_TENANT },
  query: z.strictObject({ ...tenantQuery, status: ElevationStatus.optional(), ...pageQuery() }),
  example: { query: { tenant: "acme-corp", status: "pending", limit: 100 } },
  links: [{ to: "elevation_view", params: { id: "items/0/id" }, query: { tenant: "items/0/tenant" } }],
  reply: pageOf(ElevationView),
  run: async ({ query }, context) => {
    const { status, limit } = query;
    const tenant = await context.scope.any(query.tenant);
    const paged = { sort: "elevations", filter: { tenant: tenant ?? null, status: status ?? null } };
    const [at, ofTenant, id] = startOf(context, paged, query.cursor) ?? [];
    const before =
      id === undefined ? undefined : { at: new Date(Number(at)), tenant: String(ofTenant), id: String(id) };
    const nowMs = context.clock.nowMs();
    const filter = { tenant, status, before, now: new Date(nowMs), limit: limit + 1 };
    const items = await context.work.read((executor) => context.elevations.list(executor, filter));
    return pageOfItems(context, paged, {
      items,
      limit,
      keyOf: (item) => [item.createdAt.getTime(), item.tenant, item.id],
      view: (item) => elevationView(item, nowMs),
    });
  },
});

const view = operation({
  id: "elevation_view",
  method: "GET",
  path: `${path}/{id}`,
  summary: "Read an elevation",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_ELEVATION },
  ...byId,
  example: { query: { tenant: "acme-corp" } },
  reply: ElevationView,
  run: async ({ params, query }, { scope, work, elevations, clock }) => {
    const key = { id: params.id, tenant: await scope.any(query.tenant) };
    return elevationView(await work.read((executor) => elevations.find(executor, key)), clock.nowMs());
  },
});

const decide = operation({
  id: "elevation_decide",
  method: "POST",
  path: `${path}/{id}/decide`,
  summary: "Approve or reject an elevation that somebody else asked for",
  tag,
  permission: "administer",
  audit: "admin/decide_elevation",
  status: 200,
  replies: {
    403: "You asked for it yourself, or act under an elevation.",
    404: NO_ELEVATION,
    409: "It is not pending any more; `code` says how it stands.",
  },
  ...byId,
  body: z.strictObject({
    decision: z.enum(["approve", "reject"]),
    reason: z.string().max(1_024).default(""),
  }),
  example: { query: { tenant: "acme-corp" }, body: { decision: "approve", reason: "Seen with ann." } },
  reply: ElevationView,
  run: async ({ params, query, body }, { scope, work, elevations, clock }) => {
    const key = { id: params.id, tenant: await scope.any(query.tenant) };
    const verdict = { isApproved: body.decision === "approve", reason: body.reason };
    return elevationView(await work.commit((unit) => elevations.decide(unit, key, verdict)), clock.nowMs());
  },
});

const end = operation({
  id: "elevation_end",
  method: "POST",
  path: `${path}/{id}/end`,
  summary: "End an elevation before its time, or take a request back",
  description: "By whoever asked for it, or an admin. Calls that name it are refused from then on.",
  tag,
  permission: "read",
  audit: "admin/end_elevation",
  status: 200,
  replies: {
    403: "It is somebody else's, and you are no admin.",
    404: NO_ELEVATION,
    409: "There is nothing to end; `code` says how it stands.",
  },
  ...byId,
  example: { query: { tenant: "acme-corp" } },
  reply: ElevationView,
  run: async ({ params, query }, { scope, work, elevations, clock, may }) => {
    const key = { id: params.id, tenant: await scope.any(query.tenant) };
    const options = { isAdmin: may("administer") };
    return elevationView(await work.commit((unit) => elevations.end(unit, key, options)), clock.nowMs());
  },
});

export const elevationRows = [request, list, view, decide, end];
