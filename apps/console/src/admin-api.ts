// The admin REST API as functions. Every function raises Trouble.
import { approvalCalls } from "./admin-approvals.ts";
import { peopleCalls } from "./admin-people.ts";
import { policyCalls } from "./admin-policies.ts";
import { setupCalls } from "./admin-setup.ts";
import { createExchange, type ExchangePorts, type Query } from "./exchange.ts";
import type { MintRequest } from "./mint-request.ts";
import type {
  AddedSidecar,
  EventPage,
  Key,
  Minted,
  Page,
  Revocation,
  Sidecar,
  Tenant,
  Verification,
} from "./replies.ts";

export type AdminApi = ReturnType<typeof createAdminApi>;

export function createAdminApi(ports: ExchangePorts) {
  const exchange = createExchange(ports);
  const { send, json, act } = exchange;
  const at = encodeURIComponent;

  return {
    tenants: () => json<Tenant[]>("GET", "/tenants"),
    createTenant: (name: string) => json<Tenant>("POST", "/tenants", { body: { name } }),

    events: (query: Query) => json<EventPage>("GET", "/audit", { query }),
    verify: (tenant: string) => json<Verification>("GET", "/audit/verify", { query: { tenant } }),
    checkpoint: async (tenant: string) =>
      (await send("GET", "/audit/checkpoint", { query: { tenant } })).text(),
    exported: (query: Query) => send("GET", "/audit/export", { query }),

    mint: (request: MintRequest) => json<Minted>("POST", "/mint", { body: request }),
    revoke: (revocation: { tenant: string; jti: string; reason: string }) =>
      act("POST", "/revoke", { body: revocation }),
    revocations: (query: Query) => json<Page<Revocation>>("GET", "/revocations", { query }),

    sidecars: (query: Query) => json<Page<Sidecar>>("GET", "/sidecars", { query }),
    addSidecar: (sidecar: { tenant: string; name: string }) =>
      json<AddedSidecar>("POST", "/sidecars", { body: sidecar }),
    removeSidecar: (tenant: string, id: string) =>
      act("DELETE", `/sidecars/${at(id)}`, { query: { tenant } }),

    keys: (tenant: string) => json<Key[]>("GET", "/keys", { query: { tenant, prepared: true } }),
    prepareKey: (tenant: string, use: string) => json<Key>("POST", "/keys", { body: { tenant, use } }),
    stepKey: (tenant: string, kid: string, step: "publish" | "activate") =>
      json<Key>("POST", `/keys/${at(kid)}/${step}`, { query: { tenant } }),
    retireKey: (tenant: string, kid: string, notAfter: string) =>
      json<Key>("POST", `/keys/${at(kid)}/retire`, { query: { tenant }, body: { not_after: notAfter } }),

    ...policyCalls(exchange),
    ...approvalCalls(exchange),
    ...peopleCalls(exchange),
    ...setupCalls(exchange),
  };
}
