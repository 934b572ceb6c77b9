// Fetches a small JSON document from an address that somebody else chose. No redirect is followed, every address that the name resolves to is
// judged and one of those judged is connected to, and the answer has a deadline and a size. Whatever goes wrong is one Fault that quotes
// nothing of the answer.
import { Fault } from "@postern/fault";
import { createGuardedRequest, type Resolve } from "@postern/network";

/** Faults: unavailable "issuers.unreachable". */
export type JsonFetch = (url: string) => Promise<unknown>;

export interface JsonFetchOptions {
  /** Whether loopback and private networks may be connected to. */
  readonly mayBePrivate: boolean;
  /** From the first byte out to the last one in. Default 5,000. */
  readonly timeoutMs?: number;
  /** Default 262,144. */
  readonly bytesMax?: number;
  /** Resolves a name to all of its addresses. */
  readonly resolve?: Resolve;
}

export function createJsonFetch(options: JsonFetchOptions): JsonFetch {
  const { timeoutMs = 5_000, bytesMax = 262_144 } = options;
  const send = createGuardedRequest({ ...options, timeoutMs, bytesMax });
  return async (address) => {
    const url = new URL(address);
    try {
      const { status, body, isWhole } = await send(url, { headers: { accept: "application/json" } });
      if (status !== 200) throw new Error(`HTTP status ${status}`);
      if (!isWhole) throw new Error(`the answer broke off, or is larger than ${bytesMax} bytes`);
      return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) as unknown;
    } catch (caught) {
      throw unreachable(url, caught instanceof Error ? caught.message : String(caught));
    }
  };
}

function unreachable({ origin, pathname }: URL, detail: string): Fault {
  return new Fault("unavailable", "issuers.unreachable", "The issuer's documents cannot be fetched.", {
    detail: `${origin}${pathname}: ${detail}`,
  });
}
