// Capability tokens: issue, revoke, list what was revoked.
import { AgentId, CAVEATS_MAX, Caveat, Identifier, ToolGlob } from "@postern/contracts";
import { pageOf, pageQuery } from "@postern/surface";
import { z } from "zod";
import { operation, pageOfItems, startOf } from "./context.ts";
import { NO_TENANT, tenantField, tenantQuery } from "./fields.ts";
import { MintedView, mintedView, RevocationView, revocationView } from "./views.ts";

/** Caveats that subject, ttl_seconds, tools, max_calls and step_up become. */
const CAVEATS_OF_FIELDS = 5;
/** Ten years. */
const TTL_SECONDS_MAX = 315_360_000;

const MintBody = z.strictObject({
  subject: AgentId.describe("The agent that the token speaks for."),
  issuer: z.string().min(1).max(200).default("intentgate"),
  tenant: tenantField,
  ttl_seconds: z
    .int()
    .min(0)
    .max(TTL_SECONDS_MAX)
    .optional()
    .describe("Lifetime. Absent or 0: the token does not expire."),
  tools: z
    .array(ToolGlob)
    .min(1, "must name a tool; leave it out for no restriction")
    .max(256)
    .optional()
    .describe("Tools that may be called; * and ? are wildcards. Absent: no restriction."),
  max_calls: z.int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
  step_up: z.boolean().default(false).describe("Stamps the token with a fresh factor, now."),
  with_memory_signing_key: z
    .boolean()
    .default(false)
    .describe("Whether to answer with the key with which the agent signs what it remembers."),
  caveats: z
    .array(Caveat)
    .max(CAVEATS_MAX - CAVEATS_OF_FIELDS)
    .default([])
    .describe("Further caveats, after those from the fields."),
  attenuable: z.boolean().default(false).describe("Whether the holder may narrow the token offline."),
});

const mint = operation({
  id: "capability_mint",
  method: "POST",
  path: "/v1/admin/mint",
  summary: "Issue a capability token",
  tag: "Capabilities",
  permission: "operate",
  audit: "admin/mint",
  status: 200,
  replies: { 404: NO_TENANT, 503: "The master key is not configured." },
  body: MintBody,
  example: {
    body: {
      subject: "agent-finance-bot-7",
      issuer: "intentgate",
      tenant: "acme-corp",
      ttl_seconds: 3600,
      tools: ["read_invoice", "list_vendors"],
      max_calls: 100,
      step_up: false,
      with_memory_signing_key: false,
    },
  },
  links: [
    { to: "capability_step_up", body: { jti: "jti", tenant: "tenant" } },
    { to: "capability_revoke", body: { jti: "jti", tenant: "tenant" } },
    { to: "fleet_memory_key", body: { jti: "jti" } },
  ],
  reply: MintedView,
  run: async ({ body }, context) => {
    const request = {
      tenant: await context.scope.first(body.tenant),
      subject: body.subject,
      issuer: body.issuer,
      ttlSeconds: body.ttl_seconds === 0 ? undefined : body.ttl_seconds,
      tools: body.tools,
      maxCalls: body.max_calls,
      stepUp: body.step_up,
      caveats: body.caveats,
      attenuable: body.attenuable,
      memoryKey: body.with_memory_signing_key,
    };
    return mintedView(await context.mint(request));
  },
});

const stepUp = operation({
  id: "capability_step_up",
  method: "POST",
  path: "/v1/admin/step-up",
  summary: "Issue a capability token again, with a fresh factor",
  description:
    "For whoever has just seen the person's second factor. The token has the id, rights and end of the one before, so its budgets go on and " +
    "revoking the id revokes both; tokens that were derived from the one before have no fresh factor.",
  tag: "Capabilities",
  permission: "operate",
  audit: "admin/step_up",
  status: 200,
  replies: {
    403: "The token was revoked.",
    404: "No token of this id was issued, or there is no such tenant.",
    409: "The token has expired.",
    503: "The master key is not configured.",
  },
  body: z.strictObject({ jti: Identifier, tenant: tenantField }),
  example: { body: { jti: "01HXYZ", tenant: "acme-corp" } },
  links: [{ to: "capability_revoke", body: { jti: "jti", tenant: "tenant" } }],
  reply: MintedView,
  run: async ({ body: { jti, tenant: asked } }, { scope, work, capabilities }) => {
    const tenant = await scope.body(asked);
    return mintedView(await work.commit((unit) => capabilities.stepUp(unit, { tenant, jti })));
  },
});

const revoke = operation({
  id: "capability_revoke",
  method: "POST",
  path: "/v1/admin/revoke",
  summary: "Revoke a capability token by its id",
  description:
    "Covers every token derived from it. Revoking again changes nothing. An admin of a tenant adds to the list of its own tenant, " +
    "whatever the id: ids of other tenants have no effect there.",
  tag: "Capabilities",
  permission: "operate",
  audit: "admin/revoke",
  status: 204,
  replies: { 404: "No token of this id was issued, or there is no such tenant." },
  body: z.strictObject({
    jti: Identifier,
    reason: z.string().max(1024).default(""),
    tenant: tenantField.describe("For a superadmin: the tenant of a block that was appended offline."),
  }),
  example: { body: { jti: "01HXYZ", reason: "rotation" } },
  run: async ({ body }, context) => {
    const tenant = await context.scope.named(body.tenant);
    await context.work.commit((unit) =>
      context.capabilities.revoke(unit, { jti: body.jti, reason: body.reason, tenant }),
    );
  },
});

const revocations = operation({
  id: "revocation_list",
  method: "GET",
  path: "/v1/admin/revocations",
  summary: "List what was revoked, newest first",
  tag: "Capabilities",
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_TENANT },
  query: z.strictObject({ ...tenantQuery, ...pageQuery() }),
  example: { query: { tenant: "acme-corp", limit: 100 } },
  reply: pageOf(RevocationView),
  run: async ({ query }, context) => {
    const tenant = await context.scope.any(query.tenant);
    const list = { sort: "revocations", filter: { tenant: tenant ?? null } };
    const [revokedAt, ofTenant, jti] = startOf(context, list, query.cursor) ?? [];
    const after =
      revokedAt === undefined
        ? undefined
        : { revokedAt: new Date(String(revokedAt)), tenant: String(ofTenant), jti: String(jti) };
    const items = await context.work.read((executor) =>
      context.capabilities.listRevocations(executor, { tenant, limit: query.limit + 1, after }),
    );
    return pageOfItems(context, list, {
      items,
      limit: query.limit,
      keyOf: (item) => [item.revokedAt.toISOString(), item.tenant, item.jti],
      view: revocationView,
    });
  },
});

export const capabilityRows = [mint, stepUp, revoke, revocations];
