// What many callers ask for at once is done in one go. The chain of a tenant has one writer at a time, so that transactions of their own would
// wait for one another; while one is under way, what comes meanwhile gathers, and is the next one.

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

/** Items of one `key` are done in the order in which they came; those of different keys do not wait for one another. */
export function createGathering<Item, Result>(ports: {
  readonly keyOf: (item: Item) => string;
  readonly together: DoTogether<Item, Result>;
  readonly itemsMax: number;
}): Gathering<Item, Result> {
  const { keyOf, together, itemsMax } = ports;
  const queues = new Map<string, Waiting<Item, Result>[]>();

  async function work(key: string, queue: Waiting<Item, Result>[]): Promise<void> {
    // What is asked for in the same turn goes together too.
    await Promise.resolve();
    while (queue.length > 0) await finish(queue.splice(0, itemsMax));
    queues.delete(key);
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
      const queue = queues.get(key);
      if (queue !== undefined) queue.push({ item, resolve, reject });
      else {
        const begun = [{ item, resolve, reject }];
        queues.set(key, begun);
        void work(key, begun);
      }
      return promise;
    },
  };
}
