// Trusted issuers: whose access tokens let their holders in, and as what.
import {
  ACCESS_TOKEN_CHARS_MAX,
  Caveat,
  Identifier,
  IssuerTrust,
  IssuerUrl,
  ResourceUrl,
} from "@postern/contracts";
import { Fault } from "@postern/fault";
import { z } from "zod";
import type { Explanation } from "../../domain/issuers/exchange.ts";
import type { Claims, TrustedIssuer } from "../../domain/issuers/model.ts";
import { operation } from "./context.ts";
import { NO_TENANT, tenantField, tenantQuery } from "./fields.ts";

const path = "/v1/admin/issuers";
const tag = "Issuers";
const byId = { params: z.strictObject({ id: Identifier }) };
const NO_ISSUER = "There is no such issuer.";
const CLAIMS_CHARS_MAX = 16_384;
const TRUST_EXAMPLE = {
  audiences: ["https://tools.acme-corp.example/v1/mcp"],
  scopes: ["mcp"],
  rules: [
    {
      name: "finance",
      match: { "/groups": "finance" },
      // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how the template is written.
      grant: { agent: "user:${sub}", ttl_seconds: 600 },
    },
  ],
};
const text = z.string();
const instant = z.iso.datetime();

const IssuerView = IssuerTrust.extend({
  id: text,
  tenant: text,
  issuer: text,
  created_at: instant,
  created_by: text,
  updated_at: instant,
  updated_by: text,
});

function issuerView({ id, tenant, issuer, trust, ...rest }: TrustedIssuer): z.input<typeof IssuerView> {
  return {
    ...{ id, tenant, issuer },
    ...trust,
    created_at: rest.createdAt.toISOString(),
    created_by: rest.createdBy,
    updated_at: rest.updatedAt.toISOString(),
    updated_by: rest.updatedBy,
  };
}

const create = operation({
  id: "issuer_create",
  method: "POST",
  path,
  summary: "Trust an issuer of access tokens",
  description:
    "The issuer is not asked for anything until a token of it comes; `explain` with a token tries it.",
  tag,
  permission: "administer",
  audit: "admin/create_issuer",
  status: 201,
  replies: {
    404: NO_TENANT,
    409: "The tenant trusts this issuer already.",
    429: "The tenant trusts too many.",
  },
  body: z.strictObject({
    tenant: tenantField,
    issuer: IssuerUrl.describe("Its `iss`, character by character. Never changes."),
    ...IssuerTrust.shape,
  }),
  example: { body: { tenant: "acme-corp", issuer: "https://login.acme-corp.example", ...TRUST_EXAMPLE } },
  links: [
    { to: "issuer_view", params: { id: "id" } },
    { to: "issuer_replace", params: { id: "id" } },
    { to: "issuer_explain", params: { id: "id" } },
    { to: "issuer_delete", params: { id: "id" } },
  ],
  reply: IssuerView,
  run: async ({ body: { tenant: asked, issuer, ...trust } }, context) => {
    const tenant = await context.scope.body(asked);
    return issuerView(
      await context.work.commit((unit) => context.issuers.add(unit, { tenant, issuer, trust })),
    );
  },
});

const list = operation({
  id: "issuer_list",
  method: "GET",
  path,
  summary: "List trusted issuers",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_TENANT },
  query: z.strictObject(tenantQuery),
  example: { query: { tenant: "acme-corp" } },
  links: [{ to: "issuer_view", params: { id: "0/id" } }],
  reply: z.array(IssuerView),
  run: async ({ query }, context) => {
    const tenant = await context.scope.any(query.tenant);
    const issuers = await context.work.read((executor) => context.issuers.list(executor, tenant));
    return issuers.map(issuerView);
  },
});

const view = operation({
  id: "issuer_view",
  method: "GET",
  path: `${path}/{id}`,
  summary: "Read a trusted issuer with its rules",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_ISSUER },
  ...byId,
  reply: IssuerView,
  run: async ({ params }, context) => {
    const key = { id: params.id, tenant: await context.scope.any(undefined) };
    return issuerView(await context.work.read((executor) => context.issuers.find(executor, key)));
  },
});

const replace = operation({
  id: "issuer_replace",
  method: "PUT",
  path: `${path}/{id}`,
  summary: "Change what an issuer is trusted for",
  description:
    "What is left out takes its default. Capabilities that were given before live out their short life.",
  tag,
  permission: "administer",
  audit: "admin/update_issuer",
  status: 200,
  replies: { 404: NO_ISSUER },
  ...byId,
  body: IssuerTrust,
  example: { body: TRUST_EXAMPLE },
  reply: IssuerView,
  run: async ({ params, body }, context) => {
    const key = { id: params.id, tenant: await context.scope.any(undefined) };
    return issuerView(await context.work.commit((unit) => context.issuers.replace(unit, key, body)));
  },
});

const remove = operation({
  id: "issuer_delete",
  method: "DELETE",
  path: `${path}/{id}`,
  summary: "Trust an issuer no longer",
  description: "Its tokens are exchanged for nothing from now on.",
  tag,
  permission: "administer",
  audit: "admin/delete_issuer",
  status: 204,
  replies: { 404: NO_ISSUER },
  ...byId,
  run: async ({ params }, context) => {
    const key = { id: params.id, tenant: await context.scope.any(undefined) };
    await context.work.commit((unit) => context.issuers.remove(unit, key));
  },
});

const ExplanationView = z.strictObject({
  accepted: z.boolean(),
  problem: text.optional().describe("Why nothing would be given."),
  rule: text.optional().describe("Name of the first rule that matches."),
  claims: z.record(text, z.json()).optional().describe("What the rules were asked about."),
  capability: z
    .strictObject({
      agent: text,
      jti: text
        .optional()
        .describe("The id that the capability would have. Absent when the claims name no subject."),
      caveats: z.array(Caveat),
      ttl_seconds: z.int().min(1),
    })
    .optional(),
});

const explain = operation({
  id: "issuer_explain",
  method: "POST",
  path: `${path}/{id}/explain`,
  summary: "Try the rules of an issuer: who would get what",
  description:
    "Gives nothing to anybody. A token is verified with the issuer's keys as if a sidecar had sent it.",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_ISSUER, 503: "The issuer's keys cannot be had." },
  ...byId,
  body: z.strictObject({
    claims: z.record(z.string().max(256), z.json()).optional().describe("Either claims …"),
    token: z.string().min(1).max(ACCESS_TOKEN_CHARS_MAX).optional().describe("… or an access token."),
    resource: ResourceUrl.optional().describe(
      "Whom the token must be meant for. Default: the first audience.",
    ),
  }),
  example: { body: { claims: { sub: "joe", groups: ["finance"] } } },
  reply: ExplanationView,
  run: async ({ params, body }, context) => {
    const key = { id: params.id, tenant: await context.scope.any(undefined) };
    const issuer = await context.work.read((executor) => context.issuers.find(executor, key));
    return explanationView(await context.issuers.explain(issuer, askedIn(body)));
  },
});

interface ExplainBody {
  readonly claims?: Claims | undefined;
  readonly token?: string | undefined;
  readonly resource?: string | undefined;
}

function askedIn({ claims, token, resource }: ExplainBody) {
  if (claims !== undefined && token === undefined && JSON.stringify(claims).length <= CLAIMS_CHARS_MAX) {
    return { claims };
  }
  if (token !== undefined && claims === undefined) return { token, resource };
  throw new Fault(
    "invalid",
    "issuers.explain",
    `body: either claims (of up to ${CLAIMS_CHARS_MAX} characters as JSON) or a token must be given.`,
  );
}

function explanationView(explanation: Explanation): z.input<typeof ExplanationView> {
  const { claims } = explanation;
  const told = claims === undefined ? {} : { claims: JSON.parse(JSON.stringify(claims)) };
  if (!explanation.ok) {
    const { problem, rule } = explanation;
    return { accepted: false, problem, ...(rule === undefined ? {} : { rule }), ...told };
  }
  const { grant, jti } = explanation;
  const { rule, agent, caveats, ttlSeconds } = grant;
  return {
    accepted: true,
    rule,
    ...told,
    capability: {
      agent,
      ...(jti === undefined ? {} : { jti }),
      caveats: [...caveats],
      ttl_seconds: ttlSeconds,
    },
  };
}

export const issuerRows = [create, list, view, replace, remove, explain];
