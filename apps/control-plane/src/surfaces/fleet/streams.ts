// How many streams each sidecar has open. A sidecar needs one, and two while it reconnects; more than a few are a mistake or an attack.
import { Fault } from "@postern/fault";

export interface Streams {
  /**
   * The items, counted as a stream of the sidecar until they end or are left.
   * @throws Fault limited "sidecars.streams" at once.
   */
  counted<T>(sidecarId: string, items: AsyncGenerator<T, void>): AsyncGenerator<T, void>;
}

const STREAMS_PER_SIDECAR_MAX = 4;

export function createStreams(onChange: (open: number) => void): Streams {
  const open = new Map<string, number>();
  let total = 0;

  function count(sidecarId: string, by: 1 | -1): void {
    const now = (open.get(sidecarId) ?? 0) + by;
    if (now === 0) open.delete(sidecarId);
    else open.set(sidecarId, now);
    total += by;
    onChange(total);
  }

  async function* run<T>(sidecarId: string, items: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
    count(sidecarId, 1);
    try {
      yield* items;
    } finally {
      count(sidecarId, -1);
    }
  }

  return {
    counted(sidecarId, items) {
      if ((open.get(sidecarId) ?? 0) >= STREAMS_PER_SIDECAR_MAX) {
        throw new Fault("limited", "sidecars.streams", "This sidecar has too many open streams.");
      }
      return run(sidecarId, items);
    },
  };
}
