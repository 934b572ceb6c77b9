// Pursues the policy that the control plane wants in force. Until that has worked, the last good policy keeps judging; "no policy" takes effect
// at once. One goal is pursued at a time, always the newest.
import type { PolicyPointer } from "@postern/contracts";
import { toFault } from "@postern/fault";
import type { Logger } from "@postern/telemetry";
import { backoffMs, type Random, type Sleep } from "../timing.ts";

export interface PolicyHolder {
  /** Sets the goal; null = no policy. */
  want(version: number, pointer: PolicyPointer | null): void;
  /** Version of the goal that was reached last; -1 before the first. */
  heldVersion(): number;
  /** Highest revision that was ever in force: no lower one is loaded. */
  revisionFloor(): number;
  /** Why the goal is not reached; undefined when it is. */
  problem(): string | undefined;
  /** Resolves when nothing is left to try. */
  idle(): Promise<void>;
  stop(): void;
}

export interface PolicyHolderPorts {
  readonly revisionFloor: number;
  /** Takes the policy away at once. */
  readonly clear: () => void;
  /** Brings a policy into force, or leaves everything as it was and throws. */
  readonly load: (pointer: PolicyPointer, revisionMin: number) => Promise<void>;
  /** Something is in force now; undefined = nothing is. */
  readonly onReached: (pointer: PolicyPointer | undefined) => void;
  /** An attempt has failed; the next one follows by itself. */
  readonly onFailed?: (caught: unknown) => void;
  readonly sleep: Sleep;
  readonly random: Random;
  readonly log: Logger;
}

interface Goal {
  readonly version: number;
  readonly pointer: PolicyPointer | null;
  /** Fires when a newer goal replaces this one. */
  readonly superseded: AbortController;
}

export function createPolicyHolder(ports: PolicyHolderPorts): PolicyHolder {
  let goal: Goal | undefined;
  let reached: Goal | undefined;
  let problem: string | undefined;
  let floor = ports.revisionFloor;
  let pursuit: Promise<void> | undefined;

  async function pursue(): Promise<void> {
    // Goals set in the same turn are settled by the last of them.
    await Promise.resolve();
    for (let attempt = 1; goal !== undefined && goal !== reached; ) {
      const { pointer, superseded } = goal;
      const current = goal;
      try {
        // A goal that was overtaken by "no policy" while it was being loaded must not stay in force.
        if (pointer === null) ports.clear();
        else await ports.load(pointer, floor);
        floor = Math.max(floor, pointer?.revision ?? 0);
        reached = current;
        problem = undefined;
        attempt = 1;
        ports.onReached(pointer ?? undefined);
      } catch (caught) {
        const { message } = toFault(caught);
        problem = `policy revision ${pointer?.revision} cannot be loaded: ${message}`;
        ports.log.error("policy not loaded", caught, { revision: pointer?.revision, attempt });
        ports.onFailed?.(caught);
        await ports.sleep(backoffMs(attempt, ports.random), superseded.signal);
        attempt += 1;
      }
    }
    pursuit = undefined;
  }

  function replace(next: Goal | undefined): void {
    const last = goal;
    goal = next;
    last?.superseded.abort();
  }

  return {
    want(version, pointer) {
      replace({ version, pointer, superseded: new AbortController() });
      if (pointer === null) ports.clear();
      pursuit ??= pursue();
    },
    heldVersion: () => reached?.version ?? -1,
    revisionFloor: () => floor,
    problem: () => (goal === reached ? undefined : (problem ?? "the policy is being loaded")),
    idle: async () => pursuit,
    stop: () => replace(reached),
  };
}
