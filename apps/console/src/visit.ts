// What is known once somebody has signed in: who it is, what is seen, and what is acted under. An elevation lives here and nowhere else, so a
// reload of the page ends its use.
import { type AdminApi, createAdminApi } from "./admin-api.ts";
import type { Elevation, Me } from "./admin-people.ts";
import type { Tenant } from "./replies.ts";

export interface Visit {
  readonly api: AdminApi;
  me: Me;
  tenants: readonly Tenant[];
  elevation: Elevation | undefined;
}

/** Raises Trouble. */
export async function beginVisit(ports: {
  readonly fetch: (path: string, init: RequestInit) => Promise<Response>;
  readonly token: string;
  readonly onUnauthenticated: (message: string) => void;
}): Promise<Visit> {
  let under: Elevation | undefined;
  const api = createAdminApi({ ...ports, elevationId: () => under?.id });
  const [me, tenants] = await Promise.all([api.me(), api.tenants()]);
  return {
    api,
    me,
    tenants,
    get elevation() {
      return under;
    },
    set elevation(elevation) {
      under = elevation;
    },
  };
}
