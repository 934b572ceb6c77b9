// A name resolved once for each connection: all that it resolves to is judged, and the connection goes to exactly what was judged, whatever
// the name says a moment later (DNS rebinding).
import { lookup as lookupSystem } from "node:dns/promises";
import type { LookupFunction } from "node:net";
import type { AddressRules } from "./address-rules.ts";

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/** All addresses of a host name. */
export type Resolve = (hostname: string) => Promise<readonly ResolvedAddress[]>;

/**
 * For the `lookup` of a connection. Fails with what is wrong if any of the addresses may not be reached. An address that is written as numbers is
 * never looked up, so `refusalOf` is to be asked about it first.
 */
export function guardedLookup(rules: AddressRules, resolve: Resolve = resolveSystem): LookupFunction {
  async function judged(hostname: string): Promise<readonly ResolvedAddress[]> {
    const found = await resolve(hostname);
    for (const { address } of found) {
      const refusal = rules.refusalOf(address);
      if (refusal !== undefined)
        throw new Error(`${hostname} is ${address} now, which may not be reached: ${refusal}`);
    }
    if (found.length === 0) throw new Error(`${hostname} has no address`);
    return found;
  }
  return (hostname, { all }, callback) => {
    judged(hostname).then(
      (found) => {
        const [first] = found;
        if (all) callback(null, [...found]);
        else callback(null, first?.address ?? "", first?.family);
      },
      (error: Error) => callback(error, ""),
    );
  };
}

const resolveSystem: Resolve = (hostname) => lookupSystem(hostname, { all: true });

/** The host of an address as `isIP` and `lookup` take it: IPv6 without its brackets. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, "");
