// Signing keys: the public halves, and rotation step by step: prepare → publish → activate → retire.
import { printVerifierKey } from "@postern/audit";
import { KeyId, KeyUse } from "@postern/contracts";
import { flag } from "@postern/surface";
import { z } from "zod";
import type { KeyState, KeyStep } from "../../domain/keys/model.ts";
import { type AdminContext, operation } from "./context.ts";
import { NO_TENANT, tenantField, tenantQuery } from "./fields.ts";
import { KeyView, keyView } from "./views.ts";

const path = "/v1/admin/keys";
const tag = "Keys";

const list = operation({
  id: "key_list",
  method: "GET",
  path,
  summary: "List a tenant's public keys",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_TENANT },
  query: z.strictObject({
    ...tenantQuery,
    prepared: flag().default(false).describe("Whether keys that are not published yet are listed too."),
  }),
  example: { query: { tenant: "acme-corp", prepared: true } },
  reply: z.array(KeyView),
  run: async ({ query }, context) => {
    const tenant = await context.scope.one(query.tenant);
    const keys = await context.work.read((executor) => context.keys.list(executor, tenant));
    return keys
      .filter((key) => query.prepared || key.status !== "prepared")
      .map((key) => keyView(key, vkeyOf(context, key)));
  },
});

const prepare = operation({
  id: "key_prepare",
  method: "POST",
  path,
  summary: "Make a further key",
  description: "It is told to nobody until it is published.",
  tag,
  permission: "superadmin",
  audit: "admin/prepare_key",
  status: 201,
  replies: { 404: NO_TENANT, 503: "The master key is not configured." },
  body: z.strictObject({ use: KeyUse.exclude(["root"]), tenant: tenantField }),
  example: { body: { use: "capability", tenant: "acme-corp" } },
  links: [
    { to: "key_publish", params: { kid: "kid" }, query: { tenant: "tenant" } },
    { to: "key_activate", params: { kid: "kid" }, query: { tenant: "tenant" } },
    { to: "key_retire", params: { kid: "kid" }, query: { tenant: "tenant" } },
  ],
  reply: KeyView,
  run: async ({ body }, context) => {
    const tenant = await context.scope.body(body.tenant);
    return await context.work.commit(async (unit) => {
      const key = await context.keys.prepare(unit, tenant, body.use);
      return keyView(key, vkeyOf(context, key));
    });
  },
});

const stepReplies = { 409: "The key's state does not allow this step; the message says why." };

function stepRow(step: Exclude<KeyStep, "retire">, summary: string) {
  return operation({
    id: `key_${step}`,
    method: "POST",
    path: `${path}/{kid}/${step}`,
    summary,
    tag,
    permission: "superadmin",
    audit: `admin/${step}_key`,
    status: 200,
    replies: stepReplies,
    params: z.strictObject({ kid: KeyId }),
    query: z.strictObject(tenantQuery),
    example: { query: { tenant: "acme-corp" } },
    reply: KeyView,
    run: ({ params, query }, context) => advance(context, { ...params, ...query }, step),
  });
}

const retire = operation({
  id: "key_retire",
  method: "POST",
  path: `${path}/{kid}/retire`,
  summary: "Stop trusting a key after an instant",
  tag,
  permission: "superadmin",
  audit: "admin/retire_key",
  status: 200,
  replies: stepReplies,
  params: z.strictObject({ kid: KeyId }),
  query: z.strictObject(tenantQuery),
  body: z.strictObject({
    not_after: z.iso.datetime({ offset: true }).describe("Until when what it signed is accepted."),
  }),
  example: { query: { tenant: "acme-corp" }, body: { not_after: "2030-06-14T13:42:00Z" } },
  reply: KeyView,
  run: ({ params, query, body }, context) =>
    advance(context, { ...params, ...query }, "retire", new Date(body.not_after)),
});

async function advance(
  context: AdminContext,
  request: { kid: string; tenant?: string | undefined },
  step: KeyStep,
  notAfter?: Date,
) {
  const key = { kid: request.kid, tenant: await context.scope.one(request.tenant) };
  return await context.work.commit(async (unit) => {
    const after = await context.keys.advance(unit, key, step, notAfter);
    return keyView(after, vkeyOf(context, after));
  });
}

function vkeyOf(context: AdminContext, { use, publicKey, tenant }: KeyState): string | undefined {
  return use === "log" ? printVerifierKey({ name: context.audit.origin(tenant), publicKey }) : undefined;
}

export const keyRows = [
  list,
  prepare,
  stepRow("publish", "Tell verifiers of a key"),
  stepRow("activate", "Let a published key sign; the one before it stays trusted"),
  retire,
];
