// What is done again and again while somebody looks: never twice at once, never in a page that is hidden, and at once when the page is seen
// again after its time had come.

export interface PulsePorts {
  /** Runs once after so long; what is returned calls it off. */
  readonly later: (afterMs: number, run: () => void) => () => void;
  readonly isHidden: () => boolean;
  /** Runs whenever the page is seen again; what is returned forgets that. */
  readonly onSeen: (run: () => void) => () => void;
}

export interface Pulse {
  /** Runs for the first time after `everyMs`, then as long after each run has ended, until the signal. `run` must not raise. */
  every(everyMs: number, signal: AbortSignal, run: () => Promise<void> | void): void;
}

export function createPulse({ later, isHidden, onSeen }: PulsePorts): Pulse {
  return {
    every(everyMs, signal, run) {
      if (signal.aborted) return;
      let isDue = false;
      const wait = () => later(everyMs, () => void beat());
      const beat = async () => {
        isDue = isHidden();
        if (isDue) return;
        await run();
        if (!signal.aborted) cancel = wait();
      };
      let cancel = wait();
      const forget = onSeen(() => {
        if (isDue) void beat();
      });
      signal.addEventListener(
        "abort",
        () => {
          cancel();
          forget();
        },
        { once: true },
      );
    },
  };
}
