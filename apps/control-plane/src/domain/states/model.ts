// What sidecars are told, and how far one has heard: three versions, written into the id of each event of the stream.

export interface Versions {
  readonly keys: number;
  readonly policy: number;
  readonly revocations: number;
}

export const NO_VERSIONS: Versions = { keys: 0, policy: 0, revocations: 0 };

/** `k<keys>.p<policy>.r<revocations>` */
export function cursorText({ keys, policy, revocations }: Versions): string {
  return `k${keys}.p${policy}.r${revocations}`;
}

/** The versions of a cursor; undefined when it is not one. */
export function readCursor(text: string): Versions | undefined {
  const [, keys, policy, revocations] = /^k(\d{1,15})\.p(\d{1,15})\.r(\d{1,15})$/.exec(text) ?? [];
  if (keys === undefined || policy === undefined || revocations === undefined) return undefined;
  return { keys: Number(keys), policy: Number(policy), revocations: Number(revocations) };
}

export function sameVersions(a: Versions, b: Versions): boolean {
  return a.keys === b.keys && a.policy === b.policy && a.revocations === b.revocations;
}
