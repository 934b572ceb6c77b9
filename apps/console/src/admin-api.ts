// The admin REST API as functions. The token travels in a header and nowhere else; every refusal and every failure becomes a Trouble that
// can be shown to the reader as it is.
import type { MintRequest } from "./mint-request.ts";
import type {
  ActivePolicy,
  AddedSidecar,
  Draft,
  DraftSummary,
  EventPage,
  Key,
  Minted,
  Page,
  Revocation,
  Sidecar,
  Tenant,
  Verification,
} from "./replies.ts";
import { printQuery } from "./route.ts";

/** Why an answer did not come. `status` 0 = the control plane was not reached. `code` is its stable word, or "". */
export interface Trouble extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string;
}

export interface ApiPorts {
  readonly fetch: (path: string, init: RequestInit) => Promise<Response>;
  readonly token: string;
  /** Hears once for each answer 401, before the Trouble is raised. */
  readonly onUnauthenticated: (message: string) => void;
}

type Query = Readonly<Record<string, string | number | boolean | undefined>>;
interface Asked {
  readonly query?: Query;
  readonly body?: object;
}

export type AdminApi = ReturnType<typeof createAdminApi>;

/** Every function raises Trouble. Replies are taken as documented; the page shows texts only. */
export function createAdminApi({ fetch, token, onUnauthenticated }: ApiPorts) {
  async function send(method: string, path: string, { query = {}, body }: Asked = {}): Promise<Response> {
    const search = printQuery(query);
    const headers: Record<string, string> = { authorization: `Bearer ${token}` };
    if (body !== undefined) headers["content-type"] = "application/json";
    const response = await fetch(`/v1/admin${path}${search === "" ? "" : `?${search}`}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
    }).catch(() => {
      throw trouble({
        status: 0,
        message: "The control plane cannot be reached. Check that it runs, then try again.",
      });
    });
    if (response.ok) return response;
    const failure = await readFailure(response);
    if (failure.status === 401) onUnauthenticated(failure.message);
    throw failure;
  }
  const json = async <T>(method: string, path: string, asked?: Asked): Promise<T> => {
    const response = await send(method, path, asked);
    return (await response.json()) as T;
  };
  const act = async (method: string, path: string, asked?: Asked): Promise<void> => {
    await send(method, path, asked);
  };
  const at = encodeURIComponent;

  return {
    tenants: () => json<Tenant[]>("GET", "/tenants"),
    createTenant: (name: string) => json<Tenant>("POST", "/tenants", { body: { name } }),

    events: (query: Query) => json<EventPage>("GET", "/audit", { query }),
    verify: (tenant: string) => json<Verification>("GET", "/audit/verify", { query: { tenant } }),
    checkpoint: async (tenant: string) =>
      (await send("GET", "/audit/checkpoint", { query: { tenant } })).text(),
    exported: (query: Query) => send("GET", "/audit/export", { query }),

    activePolicy: (tenant: string) =>
      json<ActivePolicy>("GET", "/policies/active", { query: { tenant } }).catch(absentWhenNotFound),
    promote: (tenant: string, draftId: string) =>
      json<ActivePolicy>("POST", "/policies/active", { body: { draft_id: draftId, tenant } }),
    clearPolicy: (tenant: string) => act("DELETE", "/policies/active", { query: { tenant } }),
    rollback: (tenant: string) => json<ActivePolicy>("POST", "/policies/rollback", { query: { tenant } }),
    drafts: (tenant: string) => json<DraftSummary[]>("GET", "/policies/drafts", { query: { tenant } }),
    draft: (id: string) => json<Draft>("GET", `/policies/drafts/${at(id)}`),
    createDraft: (draft: object) => json<Draft>("POST", "/policies/drafts", { body: draft }),
    updateDraft: (id: string, change: object) =>
      json<Draft>("PUT", `/policies/drafts/${at(id)}`, { body: change }),
    deleteDraft: (id: string) => act("DELETE", `/policies/drafts/${at(id)}`),

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
  };
}

export function isTrouble(caught: unknown): caught is Trouble {
  return caught instanceof Error && "status" in caught && "code" in caught;
}

function trouble(of: { status: number; message: string; code?: string; requestId?: string }): Trouble {
  const { status, message, code = "", requestId = "" } = of;
  return Object.assign(new Error(message), { status, code, requestId });
}

/** The sentence of `{"error", "code"}`; a proxy in between may have answered something else. */
async function readFailure(response: Response): Promise<Trouble> {
  const { status } = response;
  const requestId = response.headers.get("x-request-id") ?? "";
  const body: unknown = await response.json().catch(() => undefined);
  const { error, code } = (body ?? {}) as { error?: unknown; code?: unknown };
  const message = typeof error === "string" ? error : `The control plane answered HTTP ${status}.`;
  return trouble({ status, message, code: typeof code === "string" ? code : "", requestId });
}

/** "Nothing is in force" is an answer, not a failure. */
function absentWhenNotFound(caught: unknown): undefined {
  if (isTrouble(caught) && caught.status === 404) return undefined;
  throw caught;
}
