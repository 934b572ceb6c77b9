// A sidecar, known by its credential; it serves one tenant and sees nothing of another.
import { Fault } from "@postern/fault";
import type { RequestInfo } from "@postern/surface";
import type { Sidecars } from "../../domain/sidecars/service.ts";
import type { Units } from "../../domain/unit.ts";
import { bearerOf } from "../admin/auth.ts";

export interface SidecarPrincipal {
  readonly tenant: string;
  readonly id: string;
  /** Its latest boot. */
  readonly epoch: number;
  readonly credential: string;
}

export function createSidecarAuth({ sidecars, units }: { sidecars: Sidecars; units: Units }) {
  return async (request: RequestInfo): Promise<SidecarPrincipal | Fault> => {
    const credential = bearerOf(request.headers);
    const sidecar =
      credential === undefined
        ? undefined
        : await units.read((executor) => sidecars.identify(executor, credential));
    if (credential === undefined || sidecar === undefined) {
      return new Fault("unauthenticated", "sidecars.unauthenticated", "The sidecar credential is not valid.");
    }
    return { tenant: sidecar.tenant, id: sidecar.id, epoch: sidecar.epoch, credential };
  };
}
