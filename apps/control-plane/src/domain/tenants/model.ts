// A tenant is a name and a boundary: no tenant can learn that another one's thing exists.

/** What acts without a tenant is written down in this chain: failed logins, for example. Nobody is served under this name. */
export const SYSTEM_TENANT = "postern-system";

/** The tenant of a request that names none. */
export const DEFAULT_TENANT = "default";

export interface Tenant {
  readonly tenant: string;
  readonly createdAt: Date;
  readonly createdBy: string;
}
