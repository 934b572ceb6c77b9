// The audit log: query, verify, checkpoint. Reading it is itself an event of it.
import { bytes, pageOf, pageQuery } from "@postern/surface";
import { z } from "zod";
import type { EventFilter } from "../../domain/audit/model.ts";
import { SYSTEM_TENANT } from "../../domain/tenants/model.ts";
import { operation, pageOfItems, startOf } from "./context.ts";
import { instantQuery, NO_TENANT, tenantQuery } from "./fields.ts";
import { AuditEventView, VerificationView, verificationView } from "./views.ts";

const tag = "Audit";
const word = z.string().min(1).max(256).optional();

export const windowQuery = {
  since: instantQuery.describe("From this instant on."),
  until: instantQuery.describe("Before this instant."),
  from: instantQuery.describe("Another name of `since`."),
  to: instantQuery.describe("Another name of `until`."),
};

const query = operation({
  id: "audit_query",
  method: "GET",
  path: "/v1/admin/audit",
  summary: "Read events, newest first",
  description: "In the order of the chain. A superadmin who names no tenant reads those of all tenants.",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_TENANT },
  query: z.strictObject({
    ...tenantQuery,
    ...windowQuery,
    decision: z.enum(["allow", "block", "escalate"]).optional(),
    tool: word,
    subject: word.describe("The agent."),
    agent_id: word.describe("Another name of `subject`."),
    ...pageQuery(),
  }),
  example: {
    query: {
      tenant: "acme-corp",
      since: "2026-06-14T00:00:00Z",
      until: "2026-06-15T00:00:00Z",
      decision: "allow",
      tool: "read_invoice",
      subject: "agent-finance-bot-7",
      limit: 100,
    },
  },
  reply: pageOf(AuditEventView),
  run: async ({ query: asked }, context) => {
    const filter: EventFilter = {
      tenant: await context.scope.any(asked.tenant),
      since: asked.since ?? asked.from,
      until: asked.until ?? asked.to,
      decision: asked.decision,
      tool: asked.tool,
      agentId: asked.subject ?? asked.agent_id,
    };
    const list = { sort: "audit", filter: plain(filter) };
    const [position] = startOf(context, list, asked.cursor) ?? [];
    const before = position === undefined ? undefined : Number(position);
    const items = await context.work.read((executor) =>
      context.audit.query(executor, filter, { limit: asked.limit + 1, before }),
    );
    await context.tellRead({
      // What spans tenants is told in the system's chain.
      tenant: filter.tenant ?? SYSTEM_TENANT,
      name: "read_audit",
      details: { ...plain(filter), events: Math.min(items.length, asked.limit) },
    });
    return pageOfItems(context, list, {
      items,
      limit: asked.limit,
      keyOf: (item) => [item.position],
      view: (item) => item.event,
    });
  },
});

const verify = operation({
  id: "audit_verify",
  method: "GET",
  path: "/v1/admin/audit/verify",
  summary: "Verify a tenant's whole chain",
  description:
    "Recomputes every hash, link and the tree, and compares them with the head and the last signed checkpoint.",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_TENANT },
  query: z.strictObject(tenantQuery),
  example: { query: { tenant: "acme-corp" } },
  reply: VerificationView,
  run: async ({ query: asked }, context) => {
    const tenant = await context.scope.one(asked.tenant);
    const found = await context.work.read((executor) => context.audit.verify(executor, tenant));
    if (!found.verified) context.log.warn("audit chain is broken", { tenant, problem: found.problem });
    return verificationView(found);
  },
});

const note = bytes("text/plain; charset=utf-8", { is: "text", description: "A C2SP signed note." });

const checkpoint = operation({
  id: "audit_checkpoint",
  method: "GET",
  path: "/v1/admin/audit/checkpoint",
  summary: "Sign where a tenant's log stands",
  description: "A C2SP signed note over the tree of everything that is in the log now.",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_TENANT, 503: "The master key is not configured." },
  query: z.strictObject(tenantQuery),
  example: { query: { tenant: "acme-corp" } },
  reply: note,
  run: async ({ query: asked }, context) => {
    const tenant = await context.scope.one(asked.tenant);
    const signed = await context.work.commit((unit) => context.audit.checkpoint(unit, tenant));
    return note.of([Buffer.from(signed.note)]);
  },
});

/** A filter as JSON: what a cursor is bound to, and what the chain tells of a read. */
function plain(filter: EventFilter) {
  return {
    tenant: filter.tenant ?? "",
    since: filter.since?.toISOString() ?? "",
    until: filter.until?.toISOString() ?? "",
    decision: filter.decision ?? "",
    tool: filter.tool ?? "",
    subject: filter.agentId ?? "",
  };
}

export const auditRows = [query, verify, checkpoint];
