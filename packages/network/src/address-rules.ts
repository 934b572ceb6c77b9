// Which addresses may be connected to when somebody names a place, whatever the name resolves to: the name of a tool server, an issuer or a
// webhook must not become a way to the cloud's metadata service, or into whatever network a process happens to stand in. What no rule knows is
// refused.
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

export interface AddressRules {
  /** Why this address (numbers, no name) may not be connected to; undefined when it may. */
  refusalOf(address: string): string | undefined;
}

export interface AddressRulesOptions {
  /** CIDR notation: these may be reached, whatever else is said. */
  readonly networks?: readonly string[];
  /** Besides what `networks` holds and what the configuration names literally, public addresses only. */
  readonly isStrict?: boolean;
}

/** What stands beside a process, or in a cluster with it. */
const NEAR = new Set(["loopback", "private", "uniqueLocal", "carrierGradeNat"]);

/** Metadata services that stand inside near networks: of AWS over IPv6, and of Alibaba Cloud. All others are link-local or reserved. */
const METADATA = new Set(["fd00:ec2::254", "100.100.100.200"]);

/**
 * Public addresses may be reached, and near ones unless `isStrict`. Never, unless a listed network holds it: link-local (where the metadata
 * services are), multicast, broadcast, unspecified and reserved addresses, and IPv6 addresses that carry an IPv4 one (6to4, Teredo, NAT64).
 * One that is merely another spelling of an IPv4 address (::ffff:…) is refused even then: IPv4 is to be written as IPv4.
 *
 * `named`: an address that the operator's own configuration names literally, good in strict mode too if it is near.
 */
export function createAddressRules(
  { networks = [], isStrict = false }: AddressRulesOptions = {},
  named?: string,
): AddressRules {
  const listed = networks.map((network) => ipaddr.parseCIDR(network));
  return {
    refusalOf(text) {
      if (isIP(text) === 0) return "it is not an address";
      const address = ipaddr.parse(text);
      const range: string = address.range();
      if (range === "ipv4Mapped") return "it is IPv4 in the clothes of IPv6";
      if (listed.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits)))
        return undefined;
      if (METADATA.has(address.toString())) return "it is a metadata service";
      if (range === "unicast") return undefined;
      if (!NEAR.has(range)) return `it is ${range}`;
      return isStrict && text !== named
        ? `it is ${range}, and only public addresses may be reached`
        : undefined;
    },
  };
}

/** Whether `text` is a network in CIDR notation. */
export const isNetwork = (text: string): boolean => ipaddr.isValidCIDR(text);
