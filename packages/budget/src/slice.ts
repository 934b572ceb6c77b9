// How large a lease is: what is waited for, topped up to an eighth of what is left so that most calls need no round
// trip, and to 64 times the want so that a crash of an idle holder loses little. Slices shrink as the budget runs out.
// The SQL of postgres.ts states the same rule; the port suite holds both to it.

export const SLICE_DIVISOR = 8;
export const SLICE_WANTS_MAX = 64;
/** Long enough to be worth a round trip, short enough that an idle holder does not starve the others. */
export const LEASE_TTL_MS = 30_000;

export function sliceOf(left: number, want: number): number {
  const generous = Math.min(Math.floor(left / SLICE_DIVISOR), want * SLICE_WANTS_MAX);
  return Math.max(0, Math.min(left, Math.max(want, generous)));
}
