// What a row of the fleet door works with.
import { operationsFor } from "@postern/surface";
import type { Metrics } from "@postern/telemetry";
import type { Nouns } from "../../domain/nouns.ts";
import type { Feed } from "../../domain/states/feed.ts";
import type { Work } from "../../domain/unit.ts";
import type { SidecarPrincipal } from "./principal.ts";
import type { Streams } from "./streams.ts";

export interface FleetContext extends Nouns {
  readonly sidecar: SidecarPrincipal;
  readonly work: Work;
  readonly feed: Feed;
  readonly streams: Streams;
  readonly metrics: Metrics;
  /** Whether the sidecar's credential still does. */
  isWelcome(): Promise<boolean>;
}

export const operation = operationsFor<FleetContext>();
