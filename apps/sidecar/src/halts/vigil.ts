// Watches over streams that no answer ends. Each was allowed when it was opened and may stay for days, so whenever control state has come it is
// asked again whether its caller's token still stands: a stream of somebody who was stopped or revoked, or whose time is up, ends within a
// heartbeat, although nothing is sent on it. Signatures are not verified again; a stream on which something is sent asks for that by itself.
import type { Capability } from "@postern/contracts";
import type { Judge, MessageRequest, Standing } from "@postern/decision";

export interface Watch {
  /** Fires when the caller's token stands for the stream no more. */
  readonly over: AbortSignal;
  /** The stream has ended by itself. */
  readonly leave: () => void;
}

export interface Vigil {
  watch(stream: WatchedStream): Watch;
  /** To be called whenever control state has come, heartbeats included: time passes, too. */
  look(): void;
}

type WatchedStream = MessageRequest & { readonly capability: Capability };

export function createVigil({ judge }: { judge: Pick<Judge, "authenticate"> }): Vigil {
  const watched = new Map<AbortController, WatchedStream>();

  function end(ending: AbortController, standing: Standing): void {
    // Without proof that state is current nothing new may be sent, but nobody was found to be in the wrong either.
    if (standing.ok || standing.reason.code === "capability.stale") return;
    watched.delete(ending);
    ending.abort();
  }

  return {
    watch(stream) {
      const ending = new AbortController();
      watched.set(ending, stream);
      return { over: ending.signal, leave: () => void watched.delete(ending) };
    },
    look() {
      for (const [ending, stream] of watched) {
        const standing = judge.authenticate(stream, stream.capability);
        if (standing instanceof Promise) void standing.then((later) => end(ending, later));
        else end(ending, standing);
      }
    },
  };
}
