// How many there are of each name. What is not counted any more takes no room.

export interface Tally {
  of(name: string): number;
  /** How many there are of all names. */
  total(): number;
  /** Counts one more; the result takes it back, once. */
  add(name: string): () => void;
}

export function createTally(): Tally {
  const counts = new Map<string, number>();
  let total = 0;
  const of = (name: string) => counts.get(name) ?? 0;
  return {
    of,
    total: () => total,
    add(name) {
      counts.set(name, of(name) + 1);
      total += 1;
      let isCounted = true;
      return () => {
        if (!isCounted) return;
        isCounted = false;
        total -= 1;
        if (of(name) === 1) counts.delete(name);
        else counts.set(name, of(name) - 1);
      };
    },
  };
}
