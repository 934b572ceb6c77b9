// Whether a tool server is worth asking. After so many failures in a row it is left alone for a while; then one call is let through to see,
// and its fate decides for all. What says nothing about the tool server (a refusal, a caller that left) counts neither way.
import type { Clock } from "@postern/fault";

export interface CircuitOptions {
  /** Failures in a row that open it; 0 = never. */
  readonly failuresMax: number;
  /** How long it stays open before one call is let through. */
  readonly cooldownMs: number;
  readonly clock: Pick<Clock, "monotonicMs">;
}

export interface Circuit {
  /** Undefined while the tool server is left alone. Whoever gets an attempt tells how it went. */
  enter(): Attempt | undefined;
  isOpen(): boolean;
  /** Until one call may be let through; 0 when none is kept back. */
  waitMs(): number;
}

/** One call: either `failed`, or `answered` and then `ended`. */
export interface Attempt {
  /** No answer began. `isFailure`: it tells that the tool server is in trouble. */
  failed(isFailure: boolean): void;
  answered(isFailure: boolean): void;
  ended(isFailure: boolean): void;
}

export function createCircuit({ failuresMax, cooldownMs, clock }: CircuitOptions): Circuit {
  let failures = 0;
  /** Defined while it is open. */
  let openedAtMs: number | undefined;
  /** The one call that was let through. */
  let probe: Attempt | undefined;

  const close = () => {
    failures = 0;
    openedAtMs = undefined;
    probe = undefined;
  };
  const open = () => {
    openedAtMs = clock.monotonicMs();
    probe = undefined;
  };
  const waitMs = () =>
    openedAtMs === undefined ? 0 : Math.max(0, openedAtMs + cooldownMs - clock.monotonicMs());
  const fail = () => {
    failures += 1;
    if (failuresMax > 0 && failures >= failuresMax && openedAtMs === undefined) open();
  };

  /** Calls that began before it opened say nothing new. */
  const calm: Attempt = {
    failed: (isFailure) => isFailure && fail(),
    answered: () => {},
    ended(isFailure) {
      if (isFailure) fail();
      else if (openedAtMs === undefined) failures = 0;
    },
  };
  const createProbe = (): Attempt => {
    const own: Attempt = {
      failed(isFailure) {
        if (probe !== own) return;
        // One that tells nothing leaves it to the next.
        if (isFailure) open();
        else probe = undefined;
      },
      answered(isFailure) {
        if (probe !== own) return;
        if (isFailure) open();
        else close();
      },
      ended: (isFailure) => isFailure && openedAtMs === undefined && fail(),
    };
    return own;
  };

  return {
    enter() {
      if (openedAtMs === undefined) return calm;
      if (probe !== undefined || waitMs() > 0) return undefined;
      probe = createProbe();
      return probe;
    },
    isOpen: () => openedAtMs !== undefined && (probe !== undefined || waitMs() > 0),
    waitMs,
  };
}
