// Where the control plane may connect to when an administrator names an address: never to what only the machine's own network has behind it
// (link-local with its metadata services, multicast, addresses that embed others), and to private networks only where the operator says so.
import { BlockList, isIP, isIPv6 } from "node:net";

const NEVER = blockList([
  ["0.0.0.0", 8],
  ["169.254.0.0", 16],
  ["192.0.0.0", 24],
  ["224.0.0.0", 3],
  ["::", 128],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["2001::", 32],
  ["2002::", 16],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
]);

/** Loopback and private networks, with what cloud providers keep among them. */
const PRIVATE = blockList([
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["::1", 128],
  ["fc00::", 7],
]);

/** Metadata services at private addresses. */
const METADATA = new Set(["100.100.100.200", "fd00:ec2::254"]);

/** Whether an address, as a resolver prints it, may be connected to. What is no address may not. */
export function isReachable(address: string, { mayBePrivate }: { mayBePrivate: boolean }): boolean {
  if (isIP(address) === 0) return false;
  const family = isIPv6(address) ? "ipv6" : "ipv4";
  if (METADATA.has(address) || NEVER.check(address, family)) return false;
  return mayBePrivate || !PRIVATE.check(address, family);
}

function blockList(subnets: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of subnets) list.addSubnet(network, prefix, isIPv6(network) ? "ipv6" : "ipv4");
  return list;
}
