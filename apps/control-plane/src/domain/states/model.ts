// What sidecars are told, and how far one has heard: four versions, written into the id of each event of the stream.

export interface Versions {
  readonly keys: number;
  readonly policy: number;
  readonly revocations: number;
  readonly pins: number;
}

export const NO_VERSIONS: Versions = { keys: 0, policy: 0, revocations: 0, pins: 0 };

/** `k<keys>.p<policy>.r<revocations>.t<pins>` */
export function cursorText({ keys, policy, revocations, pins }: Versions): string {
  return `k${keys}.p${policy}.r${revocations}.t${pins}`;
}

const CURSOR = /^k(\d{1,15})\.p(\d{1,15})\.r(\d{1,15})\.t(\d{1,15})$/;

/** The versions of a cursor; undefined when it is not one. */
export function readCursor(text: string): Versions | undefined {
  const [keys, policy, revocations, pins] = (CURSOR.exec(text) ?? []).slice(1).map(Number);
  if (keys === undefined || policy === undefined || revocations === undefined || pins === undefined)
    return undefined;
  return { keys, policy, revocations, pins };
}

const NOUNS = ["keys", "policy", "revocations", "pins"] as const satisfies readonly (keyof Versions)[];

export function sameVersions(a: Versions, b: Versions): boolean {
  return NOUNS.every((noun) => a[noun] === b[noun]);
}

/** Whether a is older than b in anything. */
export function isBehind(a: Versions, b: Versions): boolean {
  return NOUNS.some((noun) => a[noun] < b[noun]);
}
