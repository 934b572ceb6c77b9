// The fleet door: sidecars, each with a credential of its own.
import type { Door, Surface } from "@postern/surface";
import type { Metrics } from "@postern/telemetry";
import type { Nouns } from "../../domain/nouns.ts";
import type { Feed } from "../../domain/states/feed.ts";
import type { Units } from "../../domain/unit.ts";
import { FailureBody, failureOf } from "../failure.ts";
import type { Report } from "../report.ts";
import type { FleetContext } from "./context.ts";
import { loginRows } from "./login.ops.ts";
import { createSidecarAuth, type SidecarPrincipal } from "./principal.ts";
import { fleetRows } from "./sidecar.ops.ts";
import { createStreams } from "./streams.ts";

export interface FleetPorts {
  readonly nouns: Nouns;
  readonly units: Units;
  readonly feed: Feed;
  readonly metrics: Metrics;
  readonly report: Report;
}

export function createFleetSurface(ports: FleetPorts): Surface<SidecarPrincipal, FleetContext> {
  const { nouns, units, feed, metrics, report } = ports;
  const streams = createStreams((open) => metrics.set("sidecarsConnected", open));
  const authenticate = createSidecarAuth({ sidecars: nouns.sidecars, units });
  const door: Door<SidecarPrincipal, FleetContext> = {
    name: "fleet",
    prefixes: ["/v1/sidecar"],
    security: { type: "http", scheme: "bearer", description: "The credential of a sidecar." },
    failureBody: FailureBody,
    authenticate,
    authorize: () => undefined,
    within({ principal, operation, request }, work) {
      if (principal === undefined) throw new Error("the fleet door has no public rows");
      const name = `sidecar:${principal.id}`;
      const actor = { name, remoteAddress: request.remoteAddress, requestId: request.id };
      const mustRecord = operation.audit === "none" ? undefined : operation.audit;
      return work({
        ...nouns,
        sidecar: principal,
        work: { commit: (run) => units.commit(actor, run, { mustRecord }), read: units.read },
        feed,
        streams,
        metrics,
        isWelcome: async () =>
          (await units.read((db) => nouns.sidecars.identify(db, principal.credential))) !== undefined,
      });
    },
    failure: failureOf,
    report,
  };
  return { door, rows: [...fleetRows, ...loginRows] };
}
