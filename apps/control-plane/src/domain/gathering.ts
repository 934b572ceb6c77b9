// What many callers ask for at once is done in one go. The chain of a tenant has one writer at a time, so that transactions of their own would
// wait for one another; while rounds are under way, what comes meanwhile gathers, and is the next one.

/** Does all of it, or nothing. One result for each item, in their order. */
export type DoTogether<Item, Result> = (items: readonly Item[]) => Promise<readonly Result[]>;

export interface Gathering<Item, Result> {
  /** Resolves when the item is done with. What fails together is tried one by one, so that nobody fails for another. */
  add(item: Item): Promise<Result>;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (cause: unknown) => void;
}

interface Line<Item, Result> {
  readonly waiting: Waiting<Item, Result>[];
  rounds: number;
}

/** Items of one `key` are begun in the order in which they came; those of different keys do not wait for one another. */
export function createGathering<Item, Result>(ports: {
  readonly keyOf: (item: Item) => string;
  readonly together: DoTogether<Item, Result>;
  readonly itemsMax: number;
  /** Rounds of one key that may be under way at once: the next one gets ready while the one before is committed. */
  readonly roundsMax: number;
}): Gathering<Item, Result> {
  const { keyOf, together, itemsMax, roundsMax } = ports;
  const lines = new Map<string, Line<Item, Result>>();

  async function work(key: string, line: Line<Item, Result>): Promise<void> {
    line.rounds += 1;
    // What is asked for in the same turn goes together too.
    await Promise.resolve();
    while (line.waiting.length > 0) await finish(line.waiting.splice(0, itemsMax));
    line.rounds -= 1;
    if (line.rounds === 0) lines.delete(key);
  }

  async function finish(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await together(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, at) => void resolve(results[at] as Result));
    } catch (caught) {
      const [alone] = batch;
      if (batch.length === 1) alone?.reject(caught);
      else for (const each of batch) await finish([each]);
    }
  }

  return {
    add(item) {
      const { promise, resolve, reject } = Promise.withResolvers<Result>();
      const key = keyOf(item);
      const line = lines.get(key) ?? { waiting: [], rounds: 0 };
      lines.set(key, line);
      line.waiting.push({ item, resolve, reject });
      if (line.rounds < roundsMax && line.waiting.length === 1) void work(key, line);
      return promise;
    },
  };
}
