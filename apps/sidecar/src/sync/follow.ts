// Follows the control plane's stream of signed state for as long as the sidecar runs. A broken, silent or contradictory stream is left
// and opened again where it broke; nothing that happens here can make the sidecar allow more, since only signed state is taken in.
import { stateCursor } from "@postern/contracts";
import { type Clock, toFault } from "@postern/fault";
import type { Logger } from "@postern/telemetry";
import type { ControlPlane } from "../control-plane.ts";
import { backoffMs, type Random, type Sleep } from "../timing.ts";
import type { ControlState } from "./control-state.ts";

export interface FollowPorts {
  readonly controlPlane: Pick<ControlPlane, "states">;
  readonly state: Pick<ControlState, "apply" | "versions">;
  readonly clock: Clock;
  readonly sleep: Sleep;
  readonly random: Random;
  readonly log: Logger;
  /** Called after each state that was taken in, with its sealed text. */
  readonly onApplied: (kind: string, sealed: string) => Promise<void>;
  /** A stream that says nothing for this long is dead: heartbeats come every second. */
  readonly silenceMs: number;
}

/** Resolves once `signal` fires. */
export async function followControlPlane(ports: FollowPorts, signal: AbortSignal): Promise<void> {
  const { log, random, sleep } = ports;
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    // However the stream ends: one that was whole is worth opening again at once, and one that says the same wrong thing each time is not.
    const onWhole = () => {
      attempt = 1;
    };
    try {
      await followOnce(ports, signal, onWhole);
      if (!signal.aborted) log.warn("sync stream ended", { attempt });
    } catch (caught) {
      if (!signal.aborted) log.error("sync stream failed", toFault(caught), { attempt });
    }
    if (!signal.aborted) await sleep(backoffMs(attempt, random), signal);
  }
}

/** A heartbeat comes after everything else that there is to tell. */
async function followOnce(ports: FollowPorts, signal: AbortSignal, onWhole: () => void): Promise<void> {
  const stream = new AbortController();
  const either = AbortSignal.any([signal, stream.signal]);
  const watched = watchForSilence(ports, stream, either);
  try {
    const lastEventId = stateCursor(ports.state.versions());
    for await (const { sealed } of ports.controlPlane.states({ lastEventId, signal: either })) {
      const kind = await ports.state.apply(sealed);
      watched.heard();
      if (kind === "heartbeat") onWhole();
      await ports.onApplied(kind, sealed);
    }
  } finally {
    stream.abort();
    await watched.ended;
  }
}

/** Ends a stream that has gone silent: a peer that vanished without closing would otherwise be waited for until it is too late. */
function watchForSilence(ports: FollowPorts, stream: AbortController, ended: AbortSignal) {
  let heardMs = ports.clock.monotonicMs();
  const watch = async () => {
    while (!ended.aborted) {
      await ports.sleep(ports.silenceMs / 4, ended);
      if (ports.clock.monotonicMs() - heardMs > ports.silenceMs) stream.abort();
    }
  };
  return {
    heard: () => {
      heardMs = ports.clock.monotonicMs();
    },
    ended: watch(),
  };
}
