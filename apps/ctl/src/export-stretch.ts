// An export of a stretch of the chain begins after an entry that it does not hold. What that entry's hash was can only be taken from
// the first line, so such an export proves that nothing inside it was changed, and nothing about what came before.
import { readExport } from "@postern/audit";

export interface Stretch {
  /** All the chunks, those that were looked at included. */
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly from: { readonly index: number; readonly previousHash: string } | undefined;
}

/** Looks at the first line to learn where the export begins, if it may begin anywhere. */
export async function readStretch(chunks: AsyncIterable<Uint8Array>, isPartial: boolean): Promise<Stretch> {
  if (!isPartial) return { chunks, from: undefined };
  const source = chunks[Symbol.asyncIterator]();
  const seen: Uint8Array[] = [];
  const first = (await readExport(recorded(source, seen)).next()).value;
  // One that begins at the beginning is no stretch: all of it can be proven.
  const isInside = first?.kind === "entry" && first.entry.index > 0;
  const from = isInside ? { index: first.entry.index, previousHash: first.entry.prev_hash } : undefined;
  return { chunks: replayed(seen, source), from };
}

type Source = AsyncIterator<Uint8Array>;

async function* recorded(source: Source, seen: Uint8Array[]): AsyncGenerator<Uint8Array, void> {
  for (let next = await source.next(); next.done !== true; next = await source.next()) {
    seen.push(next.value);
    yield next.value;
  }
}

async function* replayed(seen: readonly Uint8Array[], source: Source): AsyncGenerator<Uint8Array, void> {
  yield* seen;
  for (let next = await source.next(); next.done !== true; next = await source.next()) yield next.value;
}
