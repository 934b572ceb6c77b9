// Operators: who may use this interface under a name of their own, what each may do, and the tokens that they do it with.
import { Identifier, IssuerUrl, OperatorName, OperatorRole } from "@postern/contracts";
import { pageOf, pageQuery } from "@postern/surface";
import { z } from "zod";
import type { Operator, OperatorToken } from "../../domain/operators/model.ts";
import { operation, pageOfItems, startOf } from "./context.ts";
import { NO_TENANT, tenantField, tenantQuery } from "./fields.ts";
import { actorName, rolesOf } from "./principal.ts";
import { permissionsOf } from "./roles.ts";

const path = "/v1/admin/operators";
const tag = "Operators";
const byId = { params: z.strictObject({ id: Identifier }), query: z.strictObject(tenantQuery) };
const text = z.string();
const instant = z.iso.datetime();
const TTL_SECONDS_MAX = 315_360_000;
const ALONE =
  "The credential does not cover this operation; or the tenant asks for two people (`settings.second_person`): it takes an elevation to admin.";

const roles = z.array(OperatorRole).min(1).max(OperatorRole.options.length);
const identity = z
  .strictObject({
    issuer: IssuerUrl,
    subject: z
      .string()
      .min(1)
      .max(255)
      .regex(/^[^\p{Cc}]*$/u, "must not hold control characters"),
  })
  .describe("Who it is at the identity provider: `iss` and `sub`.");

const OperatorView = z.strictObject({
  id: text,
  tenant: text,
  name: text,
  roles: z.array(OperatorRole),
  roles_from: z
    .enum(["here", "provider"])
    .describe("provider: each login brings the roles that the identity provider's claims give."),
  identity: z.strictObject({ issuer: text, subject: text }).optional(),
  created_at: instant,
  created_by: text,
  updated_at: instant,
  updated_by: text,
});

function operatorView({
  id,
  tenant,
  name,
  issuer,
  subject,
  ...rest
}: Operator): z.input<typeof OperatorView> {
  return {
    ...{ id, tenant, name, roles: [...rest.roles], roles_from: rest.rolesFrom },
    ...(issuer === null || subject === null ? {} : { identity: { issuer, subject } }),
    created_at: rest.createdAt.toISOString(),
    created_by: rest.createdBy,
    updated_at: rest.updatedAt.toISOString(),
    updated_by: rest.updatedBy,
  };
}

const TokenView = z.strictObject({
  id: text,
  kind: z.enum(["token", "session"]).describe("session: begun by a login at the identity provider."),
  label: text,
  created_at: instant,
  created_by: text,
  expires_at: instant.optional().describe("Absent: until it is revoked."),
});

function tokenView({
  id,
  kind,
  label,
  createdAt,
  createdBy,
  expiresAt,
}: OperatorToken): z.input<typeof TokenView> {
  return {
    ...{ id, kind, label, created_at: createdAt.toISOString(), created_by: createdBy },
    ...(expiresAt === null ? {} : { expires_at: expiresAt.toISOString() }),
  };
}

const me = operation({
  id: "operator_me",
  method: "GET",
  path: "/v1/admin/me",
  summary: "Read who one is, and what one may do",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  reply: z.strictObject({
    name: text.describe("As acts are told under."),
    kind: z.enum(["superadmin", "tenant-admin", "operator"]),
    tenant: text.optional().describe("Absent for the superadmin, who is of none."),
    operator_id: text.optional(),
    roles: z.array(OperatorRole),
    permissions: z.array(text).describe("Those of the rows of this interface that one may use."),
    expires_at: instant.optional().describe("When the token or session ends."),
  }),
  run: (_, { principal }) => {
    const held = rolesOf(principal);
    const isSuperadmin = principal.kind === "superadmin";
    const endsAt = principal.kind === "operator" ? principal.endsAt : undefined;
    return {
      ...{ name: actorName(principal), kind: principal.kind, roles: [...held] },
      ...(isSuperadmin ? {} : { tenant: principal.tenant }),
      ...(principal.kind === "operator" ? { operator_id: principal.id } : {}),
      permissions: isSuperadmin ? [...permissionsOf(["admin"]), "superadmin"] : [...permissionsOf(held)],
      ...(endsAt == null ? {} : { expires_at: endsAt.toISOString() }),
    };
  },
});

const create = operation({
  id: "operator_create",
  method: "POST",
  path,
  summary: "Add an operator",
  description: "It signs in with tokens that are issued for it, with the identity provider, or with both.",
  tag,
  permission: "administer",
  audit: "admin/create_operator",
  status: 201,
  replies: {
    403: ALONE,
    404: NO_TENANT,
    409: "The name is taken, or was; or somebody else has the identity.",
  },
  body: z.strictObject({
    tenant: tenantField,
    name: OperatorName.describe("Never changes, and is never given to another."),
    roles,
    identity: identity.optional(),
  }),
  example: {
    body: { tenant: "acme-corp", name: "joe@acme-corp.example", roles: ["policy_author", "approver"] },
  },
  links: [
    { to: "operator_view", params: { id: "id" }, query: { tenant: "tenant" } },
    { to: "operator_change", params: { id: "id" }, query: { tenant: "tenant" } },
    { to: "operator_token_issue", params: { id: "id" }, query: { tenant: "tenant" } },
    { to: "operator_token_list", params: { id: "id" }, query: { tenant: "tenant" } },
    { to: "operator_remove", params: { id: "id" }, query: { tenant: "tenant" } },
  ],
  reply: OperatorView,
  run: async ({ body: { tenant: asked, name, roles: given, identity: who } }, context) => {
    const tenant = await context.scope.body(asked);
    const request = { tenant, name, roles: given, identity: who };
    return operatorView(await context.work.commit((unit) => context.operators.add(unit, request)));
  },
});

const list = operation({
  id: "operator_list",
  method: "GET",
  path,
  summary: "List operators by name",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_TENANT },
  query: z.strictObject({ ...tenantQuery, ...pageQuery() }),
  example: { query: { tenant: "acme-corp", limit: 100 } },
  links: [{ to: "operator_view", params: { id: "items/0/id" }, query: { tenant: "items/0/tenant" } }],
  reply: pageOf(OperatorView),
  run: async ({ query }, context) => {
    const tenant = await context.scope.any(query.tenant);
    const { limit } = query;
    const paged = { sort: "operators", filter: { tenant: tenant ?? null } };
    const [ofTenant, name] = startOf(context, paged, query.cursor) ?? [];
    const after = name === undefined ? undefined : { tenant: String(ofTenant), name: String(name) };
    const items = await context.work.read((executor) =>
      context.operators.list(executor, { tenant, limit: limit + 1, after }),
    );
    const keyOf = (item: Operator) => [item.tenant, item.name];
    return pageOfItems(context, paged, { items, limit, keyOf, view: operatorView });
  },
});

const view = operation({
  id: "operator_view",
  method: "GET",
  path: `${path}/{id}`,
  summary: "Read an operator",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  ...byId,
  example: { query: { tenant: "acme-corp" } },
  reply: OperatorView,
  run: async ({ params, query }, context) => {
    const key = { id: params.id, tenant: await context.scope.one(query.tenant) };
    return operatorView(await context.work.read((executor) => context.operators.find(executor, key)));
  },
});

const change = operation({
  id: "operator_change",
  method: "PATCH",
  path: `${path}/{id}`,
  summary: "Change what an operator may do, or who it is at the identity provider",
  description:
    "What is left out stays. Roles that are given here count from the next request on, and whatever the identity provider says.",
  tag,
  permission: "administer",
  audit: "admin/change_operator",
  status: 200,
  replies: { 403: ALONE, 409: "Somebody else has the identity." },
  ...byId,
  body: z.strictObject({
    roles: roles.optional(),
    identity: identity
      .nullable()
      .optional()
      .describe("Null takes it away. Sessions of another identity end."),
  }),
  example: {
    query: { tenant: "acme-corp" },
    body: { roles: ["viewer"], identity: { issuer: "https://login.acme-corp.example", subject: "joe" } },
  },
  reply: OperatorView,
  run: async ({ params, query, body }, context) => {
    const key = { id: params.id, tenant: await context.scope.one(query.tenant) };
    return operatorView(await context.work.commit((unit) => context.operators.change(unit, key, body)));
  },
});

const remove = operation({
  id: "operator_remove",
  method: "DELETE",
  path: `${path}/{id}`,
  summary: "Remove an operator for good",
  description:
    "Its tokens and sessions are refused from now on, and its name stays taken. The tokens of the environment always remain as a way in.",
  tag,
  permission: "administer",
  audit: "admin/remove_operator",
  status: 204,
  ...byId,
  example: { query: { tenant: "acme-corp" } },
  run: async ({ params, query }, context) => {
    const key = { id: params.id, tenant: await context.scope.one(query.tenant) };
    await context.work.commit((unit) => context.operators.remove(unit, key));
  },
});

const issue = operation({
  id: "operator_token_issue",
  method: "POST",
  path: `${path}/{id}/tokens`,
  summary: "Issue a token for an operator",
  description: "To rotate, issue a second one, put it to use, and revoke the first.",
  tag,
  permission: "administer",
  audit: "admin/issue_operator_token",
  status: 201,
  replies: {
    403: ALONE,
    409: "The operator's roles come from the identity provider.",
    429: "The operator has too many tokens.",
  },
  ...byId,
  body: z.strictObject({
    label: z.string().max(200).default("").describe("What it is for."),
    ttl_seconds: z
      .int()
      .min(1)
      .max(TTL_SECONDS_MAX)
      .optional()
      .describe("Without it the token is valid until it is revoked."),
  }),
  example: { query: { tenant: "acme-corp" }, body: { label: "laptop", ttl_seconds: 2592000 } },
  links: [
    {
      to: "operator_token_revoke",
      params: { id: "$request.path.id", token_id: "id" },
      query: { tenant: "$request.query.tenant" },
    },
  ],
  reply: TokenView.extend({ token: text.describe("Shown now and never again.") }),
  run: async ({ params, query, body }, context) => {
    const key = { id: params.id, tenant: await context.scope.one(query.tenant) };
    const request = { label: body.label, ttlSeconds: body.ttl_seconds };
    const { token, text: secret } = await context.work.commit((unit) =>
      context.operators.issue(unit, key, request),
    );
    return { ...tokenView(token), token: secret };
  },
});

const tokens = operation({
  id: "operator_token_list",
  method: "GET",
  path: `${path}/{id}/tokens`,
  summary: "List an operator's tokens and sessions, without their secrets",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  ...byId,
  example: { query: { tenant: "acme-corp" } },
  reply: z.array(TokenView),
  run: async ({ params, query }, context) => {
    const key = { id: params.id, tenant: await context.scope.one(query.tenant) };
    const found = await context.work.read((executor) => context.operators.tokens(executor, key));
    return found.map(tokenView);
  },
});

const revoke = operation({
  id: "operator_token_revoke",
  method: "DELETE",
  path: `${path}/{id}/tokens/{token_id}`,
  summary: "Revoke a token or end a session",
  tag,
  permission: "administer",
  audit: "admin/revoke_operator_token",
  status: 204,
  params: z.strictObject({ id: Identifier, token_id: Identifier }),
  query: z.strictObject(tenantQuery),
  example: { query: { tenant: "acme-corp" } },
  run: async ({ params, query }, context) => {
    const key = { id: params.id, tenant: await context.scope.one(query.tenant) };
    await context.work.commit((unit) => context.operators.revoke(unit, key, params.token_id));
  },
});

export const operatorRows = [me, create, list, view, change, remove, issue, tokens, revoke];
