// The fleet door: sidecars, each with a credential of its own.
import type { Door, Surface } from "@postern/surface";
import type { Metrics } from "@postern/telemetry";
import { createGathering } from "../../domain/gathering.ts";
import type { Nouns } from "../../domain/nouns.ts";
import type { Feed } from "../../domain/states/feed.ts";
import type { Units } from "../../domain/unit.ts";
import { FailureBody, failureOf } from "../failure.ts";
import type { Report } from "../report.ts";
import { approvalRows } from "./approvals.ops.ts";
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

export const sidecarRows = [...fleetRows, ...loginRows, ...approvalRows];

export const fleetFace = {
  name: "fleet",
  prefixes: ["/v1/sidecar"],
  security: { type: "http", scheme: "bearer", description: "The credential of a sidecar." },
  failureBody: FailureBody,
} as const;

export function createFleetSurface(ports: FleetPorts): Surface<SidecarPrincipal, FleetContext> {
  const { nouns, units, feed, metrics, report } = ports;
  const streams = createStreams((open) => metrics.set("sidecarsConnected", open));
  const authenticate = createSidecarAuth({ sidecars: nouns.sidecars, units });
  // All streams of a tenant ask at the same moment, whenever something is announced: that is one look.
  const welcome = createGathering<Pick<SidecarPrincipal, "tenant" | "id">, boolean>({
    keyOf: ({ tenant }) => tenant,
    itemsMax: Number.POSITIVE_INFINITY,
    roundsMax: 1,
    async together(asked) {
      const [{ tenant } = { tenant: "" }] = asked;
      const present = await units.read((db) => nouns.sidecars.present(db, tenant));
      return asked.map(({ id }) => present.has(id));
    },
  });
  const door: Door<SidecarPrincipal, FleetContext> = {
    ...fleetFace,
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
        isWelcome: () => welcome.add(principal),
      });
    },
    failure: failureOf,
    report,
  };
  return { door, rows: sidecarRows };
}
