// Time and ids that a test decides. Both clock readings move only when the test says so, so that no test has to wait.

export interface FixedClock {
  nowMs(): number;
  monotonicMs(): number;
  /** Time passes: both readings move on. */
  advance(ms: number): void;
  /** Somebody sets the wall clock, backwards too; the monotonic reading stays. */
  stepWall(ms: number): void;
}

/** A clock that stands still at `startMs` (default 2026-01-01T00:00:00Z). Its monotonic reading starts elsewhere on purpose. */
export function fixedClock(startMs: number = Date.UTC(2026, 0, 1)): FixedClock {
  let wallMs = startMs;
  let monotonicMs = 1_000;
  return {
    nowMs: () => wallMs,
    monotonicMs: () => monotonicMs,
    advance(ms) {
      wallMs += ms;
      monotonicMs += ms;
    },
    stepWall(ms) {
      wallMs += ms;
    },
  };
}

/** `prefix-1`, `prefix-2`, … */
export function sequentialIds(prefix = "id"): () => string {
  let made = 0;
  return () => {
    made += 1;
    return `${prefix}-${made}`;
  };
}
