// Fetches a small JSON document from an address that somebody else chose. No redirect is followed, every address that the name resolves to is
// judged and one of those judged is connected to, and the answer has a deadline and a size. Whatever goes wrong is one Fault that quotes
// nothing of the answer.
import { type LookupAddress, type LookupAllOptions, lookup } from "node:dns";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { Fault } from "@postern/fault";
import { isReachable } from "./network-guard.ts";

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

export type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export function createJsonFetch(options: JsonFetchOptions): JsonFetch {
  const { timeoutMs = 5_000, bytesMax = 262_144, resolve = lookup } = options;
  const guarded = guardedLookup(resolve, options);
  return async (address) => {
    const url = new URL(address);
    const host = url.hostname.replace(/^\[|\]$/g, "");
    if (isIP(host) !== 0 && !isReachable(host, options)) throw unreachable(url, "the address is not allowed");
    try {
      const text = await get(url, { lookup: guarded, timeoutMs, bytesMax });
      return JSON.parse(text) as unknown;
    } catch (caught) {
      throw unreachable(url, caught instanceof Error ? caught.message : String(caught));
    }
  };
}

/** The name resolved once and for all: the connection is made to what was judged here, whatever the name says a moment later. */
function guardedLookup(resolve: Resolve, guard: Pick<JsonFetchOptions, "mayBePrivate">): LookupFunction {
  return (hostname, { all, family, hints }, callback) => {
    const wanted = family === "IPv4" ? 4 : family === "IPv6" ? 6 : (family ?? 0);
    resolve(
      hostname,
      { all: true, family: wanted, ...(hints === undefined ? {} : { hints }) },
      (error, addresses) => {
        if (error !== null) return callback(error, "");
        const [first] = addresses;
        const isAllowed = addresses.every(({ address }) => isReachable(address, guard));
        if (first === undefined || !isAllowed) return callback(new Error("the address is not allowed"), "");
        if (all === true) return callback(null, addresses);
        callback(null, first.address, first.family);
      },
    );
  };
}

interface GetOptions {
  readonly lookup: LookupFunction;
  readonly timeoutMs: number;
  readonly bytesMax: number;
}

function get(url: URL, { lookup, timeoutMs, bytesMax }: GetOptions): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const request = (url.protocol === "https:" ? requestHttps : requestHttp)(url, {
    agent: false,
    lookup,
    signal: AbortSignal.timeout(timeoutMs),
    headers: { accept: "application/json", "accept-encoding": "identity" },
  });
  request.on("error", reject);
  request.on("response", (response) => {
    if (response.statusCode !== 200) {
      request.destroy();
      return reject(new Error(`HTTP status ${response.statusCode}`));
    }
    const chunks: Uint8Array[] = [];
    let size = 0;
    response.on("data", (chunk: Uint8Array) => {
      size += chunk.byteLength;
      chunks.push(chunk);
      if (size > bytesMax) response.destroy(new Error(`the answer is larger than ${bytesMax} bytes`));
    });
    response.on("error", reject);
    response.on("end", () => {
      try {
        resolve(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks, size)));
      } catch (caught) {
        reject(caught);
      }
    });
  });
  request.end();
  return promise;
}

function unreachable({ origin, pathname }: URL, detail: string): Fault {
  return new Fault("unavailable", "issuers.unreachable", "The issuer's documents cannot be fetched.", {
    detail: `${origin}${pathname}: ${detail}`,
  });
}
