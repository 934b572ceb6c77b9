// The count of a whole run: what passed, what failed, and what was skipped, each skip with its reason.

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  readonly failures: string[];
  /** Reason → what was skipped for it. */
  readonly skips: Map<string, string[]>;
}

export function emptyTally(): Tally {
  return { passed: 0, failed: 0, skipped: 0, failures: [], skips: new Map() };
}

export function addSkip(tally: Tally, what: string, reason: string): void {
  tally.skipped += 1;
  tally.skips.set(reason, [...(tally.skips.get(reason) ?? []), what]);
}

export function addTally(sum: Tally, part: Tally): void {
  sum.passed += part.passed;
  sum.failed += part.failed;
  sum.failures.push(...part.failures);
  for (const [reason, whats] of part.skips) for (const what of whats) addSkip(sum, what, reason);
}

/** Prints every skip and failure; the last line is `N passed, N failed, N skipped`. */
export function printTally(tally: Tally): void {
  console.log("");
  for (const [reason, whats] of tally.skips) {
    console.log(`skipped (${whats.length}): ${reason}`);
    for (const what of whats) console.log(`  ${what}`);
  }
  for (const failure of tally.failures) console.log(`failed: ${failure}`);
  console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
}
