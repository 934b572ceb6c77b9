// Elevations as typed functions: asking for one more role for a while, and deciding on what others ask for.
import type { OperatorRole } from "@postern/contracts";
import { z } from "zod";
import type { Exchange } from "./exchange.ts";

const text = z.string();

const Elevation = z.object({
  id: text,
  tenant: text,
  /** The identity that asked for it. */
  requester: text,
  role: text,
  reason: text,
  ttl_seconds: z.int().min(1),
  status: z.enum(["pending", "active", "rejected", "ended", "expired"]),
  created_at: text,
  /** Until when it can be decided on, or used. */
  expires_at: text,
  decided_by: text.optional(),
  decision_reason: text.optional(),
  ended_by: text.optional(),
});
const ElevationPage = z.object({ items: z.array(Elevation), next_cursor: text.optional() });

export type Elevation = z.infer<typeof Elevation>;

export interface ElevationRequest {
  readonly reason: string;
  readonly role: Exclude<OperatorRole, "viewer">;
  /** From the decision on; 3,600 when left out. */
  readonly ttl_seconds?: number | undefined;
  readonly tenant?: string | undefined;
}

export interface ElevationQuery {
  readonly tenant?: string | undefined;
  readonly status?: Elevation["status"] | undefined;
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export function elevationCalls(exchange: Exchange) {
  const root = "/v1/admin/elevations";
  const at = (id: string) => `${root}/${encodeURIComponent(id)}`;
  return {
    elevations: (query: ElevationQuery = {}) =>
      exchange.json("GET", root, ElevationPage, { query: { ...query } }),
    elevation: (id: string) => exchange.json("GET", at(id), Elevation),
    requestElevation: (request: ElevationRequest) =>
      exchange.json("POST", root, Elevation, { body: request }),
    /** Fault forbidden "elevations.own" | "elevations.under_elevation"; conflict "elevations.<status>" when it is not pending any more. */
    decideElevation: (
      id: string,
      decision: { decision: "approve" | "reject"; reason?: string | undefined },
    ) => exchange.json("POST", `${at(id)}/decide`, Elevation, { body: decision }),
    endElevation: (id: string) => exchange.json("POST", `${at(id)}/end`, Elevation),
  };
}
