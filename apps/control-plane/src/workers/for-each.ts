// A round over many tenants: what fails for one holds up none of the others, in this round or in any later one.

/** Does `turn` for each, one after the other. Then raises the first failure, if there was one. */
export async function forEach<Item>(
  items: readonly Item[],
  turn: (item: Item) => Promise<unknown>,
): Promise<void> {
  const failures: unknown[] = [];
  for (const item of items) await turn(item).catch((caught: unknown) => failures.push(caught));
  if (failures.length > 0) throw failures[0];
}
