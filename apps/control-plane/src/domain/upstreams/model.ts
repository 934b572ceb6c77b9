// A tool server that a tenant registered: where it is, and which secret opens it. There is no place here in which a secret could stand.
import type { RegisteredUpstream } from "@postern/contracts";

/** What an administrator says of it. */
export interface UpstreamSettings extends Omit<RegisteredUpstream, "name"> {
  /** One that is not is kept, and no sidecar hears of it. */
  readonly enabled: boolean;
}

export interface Upstream extends UpstreamSettings {
  readonly tenant: string;
  readonly name: string;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly updatedAt: Date;
  readonly updatedBy: string;
}

export interface UpstreamKey {
  readonly tenant: string;
  readonly name: string;
}

/** What sidecars are told of it. */
export function registeredOf({ name, transport, url, auth }: Upstream): RegisteredUpstream {
  return { name, transport, url, auth };
}
