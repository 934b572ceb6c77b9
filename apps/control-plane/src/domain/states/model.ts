// What sidecars are told: some things whole, each time they change, and some in parts, each after what the reader has heard.
import { NO_VERSIONS, type StateNoun, type StateVersions } from "@postern/contracts";

/** Told whole, in this order: keys first, since they verify the rest. */
export const DOCUMENTS = ["keys", "policy", "halts", "upstreams"] as const satisfies readonly StateNoun[];
export type Documented = (typeof DOCUMENTS)[number];

/** Told in parts, in this order. */
export const LISTS = ["revocations", "pins", "approvals"] as const satisfies readonly StateNoun[];
export type Listed = (typeof LISTS)[number];

const NOUNS = [...DOCUMENTS, ...LISTS] as const;

export function sameVersions(a: StateVersions, b: StateVersions): boolean {
  return NOUNS.every((noun) => a[noun] === b[noun]);
}

/** Whether a is older than b in anything. */
export function isBehind(a: StateVersions, b: StateVersions): boolean {
  return NOUNS.some((noun) => a[noun] < b[noun]);
}

/** One version of each noun. */
export function versionsOf(of: (noun: StateNoun) => number): StateVersions {
  const versions = { ...NO_VERSIONS };
  for (const noun of NOUNS) versions[noun] = of(noun);
  return versions;
}
