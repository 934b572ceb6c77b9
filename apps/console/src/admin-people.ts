// Who may use the admin interface: oneself, operators and their tokens, elevations.
import type { Exchange, Query } from "./exchange.ts";
import type { Page } from "./replies.ts";

export const ROLES = ["viewer", "operator", "approver", "policy_author", "admin"] as const;
export type Role = (typeof ROLES)[number];
export type Permission = "read" | "operate" | "approve" | "author" | "administer" | "superadmin";

export interface Me {
  /** As acts are told under. */
  readonly name: string;
  readonly kind: "superadmin" | "tenant-admin" | "operator";
  /** Absent for the superadmin, who is of none. */
  readonly tenant?: string;
  readonly roles: readonly Role[];
  readonly permissions: readonly string[];
  readonly expires_at?: string;
}

export interface Operator {
  readonly id: string;
  readonly tenant: string;
  readonly name: string;
  readonly roles: readonly Role[];
  readonly roles_from: "here" | "provider";
  readonly identity?: { readonly issuer: string; readonly subject: string };
  readonly created_at: string;
  readonly created_by: string;
}

export interface OperatorToken {
  readonly id: string;
  readonly kind: "token" | "session";
  readonly label: string;
  readonly created_at: string;
  readonly created_by: string;
  readonly expires_at?: string;
}

export interface Elevation {
  readonly id: string;
  readonly tenant: string;
  readonly requester: string;
  readonly role: Exclude<Role, "viewer">;
  readonly reason: string;
  readonly ttl_seconds: number;
  readonly status: "pending" | "active" | "rejected" | "ended" | "expired";
  readonly created_at: string;
  readonly expires_at: string;
  readonly decided_by?: string;
  readonly decision_reason?: string;
  readonly ended_by?: string;
}

export function peopleCalls({ json, act }: Exchange) {
  const at = encodeURIComponent;
  return {
    me: () => json<Me>("GET", "/me"),
    operators: (query: Query) => json<Page<Operator>>("GET", "/operators", { query }),
    operator: (tenant: string, id: string) =>
      json<Operator>("GET", `/operators/${at(id)}`, { query: { tenant } }),
    addOperator: (operator: object) => json<Operator>("POST", "/operators", { body: operator }),
    changeOperator: ({ tenant, id }: Operator, change: object) =>
      json<Operator>("PATCH", `/operators/${at(id)}`, { query: { tenant }, body: change }),
    removeOperator: ({ tenant, id }: Operator) =>
      act("DELETE", `/operators/${at(id)}`, { query: { tenant } }),
    operatorTokens: ({ tenant, id }: Operator) =>
      json<OperatorToken[]>("GET", `/operators/${at(id)}/tokens`, { query: { tenant } }),
    issueOperatorToken: ({ tenant, id }: Operator, token: object) =>
      json<OperatorToken & { readonly token: string }>("POST", `/operators/${at(id)}/tokens`, {
        query: { tenant },
        body: token,
      }),
    revokeOperatorToken: ({ tenant, id }: Operator, tokenId: string) =>
      act("DELETE", `/operators/${at(id)}/tokens/${at(tokenId)}`, { query: { tenant } }),

    elevations: (query: Query) => json<Page<Elevation>>("GET", "/elevations", { query }),
    requestElevation: (request: object) => json<Elevation>("POST", "/elevations", { body: request }),
    decideElevation: ({ tenant, id }: Elevation, verdict: object) =>
      json<Elevation>("POST", `/elevations/${at(id)}/decide`, { query: { tenant }, body: verdict }),
    endElevation: ({ tenant, id }: Elevation) =>
      json<Elevation>("POST", `/elevations/${at(id)}/end`, { query: { tenant } }),
  };
}
