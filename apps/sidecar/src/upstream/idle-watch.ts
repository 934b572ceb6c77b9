// Notices that nothing has moved for too long. Time during which the reader held the flow up does not count.
import type { Clock } from "@postern/fault";

export interface IdleWatch {
  /** Something has moved. */
  moved(): void;
  stop(): void;
}

export interface IdleWatchOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly isPaused: () => boolean;
  readonly onIdle: () => void;
}

/** Begins at once. */
export function startIdleWatch({ clock, timeoutMs, isPaused, onIdle }: IdleWatchOptions): IdleWatch {
  let movedAtMs = clock.monotonicMs();
  let timer = setTimeout(look, timeoutMs);
  function look(): void {
    if (isPaused()) movedAtMs = clock.monotonicMs();
    const leftMs = timeoutMs - (clock.monotonicMs() - movedAtMs);
    if (leftMs > 0) timer = setTimeout(look, leftMs);
    else onIdle();
  }
  return {
    moved() {
      movedAtMs = clock.monotonicMs();
    },
    stop: () => clearTimeout(timer),
  };
}
