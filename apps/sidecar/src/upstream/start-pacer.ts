// How soon something that ended by itself may be started again: at once after the first time, then ever later, so that a tool server that
// crashes at its start does not keep the machine busy with nothing else. A start that holds makes it forget.
import type { Clock } from "@postern/fault";

export interface StartPacer {
  /** How long nothing may be started yet; 0 = start now. */
  waitMs(): number;
  failed(): void;
  held(): void;
}

export function createStartPacer({
  clock,
  firstMs = 250,
  longestMs = 10_000,
}: {
  readonly clock: Clock;
  readonly firstMs?: number;
  readonly longestMs?: number;
}): StartPacer {
  let failures = 0;
  let notBeforeMs = Number.NEGATIVE_INFINITY;
  return {
    waitMs: () => Math.max(0, notBeforeMs - clock.monotonicMs()),
    failed() {
      failures += 1;
      const pauseMs = failures === 1 ? 0 : Math.min(longestMs, firstMs * 2 ** Math.min(failures - 2, 20));
      notBeforeMs = clock.monotonicMs() + pauseMs;
    },
    held() {
      failures = 0;
      notBeforeMs = Number.NEGATIVE_INFINITY;
    },
  };
}
