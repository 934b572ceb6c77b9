// One secret, kept for a while. It is asked for when it is used, by one request for all who wait; a younger one is used as it is, an older one
// while it is being renewed, and none once it is known that there is none. A place that fails is left alone for a moment.
import type { Secret } from "@postern/config";
import { type Clock, type Fault, toFault } from "@postern/fault";
import { type FetchSecret, noSecret } from "./secret-source.ts";

export interface SecretHolder {
  /** At once when it is at hand. @throws Fault (in the promise) "upstream.secret". */
  current(): Secret | Promise<Secret>;
  /** It did not open what it should: the next use asks for it anew, unless it was asked for a moment ago. */
  doubt(): void;
  /** Why there is none; undefined while there is one, or nobody has asked yet. */
  problem(): string | undefined;
}

export interface SecretHolderOptions {
  readonly fetch: FetchSecret;
  /** Used as it is for so long after it was asked for, and so long while it is renewed. */
  readonly freshMs: number;
  readonly usableMs: number;
  readonly clock: Pick<Clock, "monotonicMs">;
  /** Told when it cannot be had any more, and when it can again (undefined). */
  readonly onChange?: (problem: Fault | undefined) => void;
}

/** After a failure, and after a doubt, the place is left alone for this long. */
const RETRY_AFTER_MS = 1_000;

export function createSecretHolder(options: SecretHolderOptions): SecretHolder {
  const { fetch, freshMs, usableMs, clock, onChange = () => {} } = options;
  let held: { readonly secret: Secret; readonly atMs: number } | undefined;
  let failed: { readonly fault: Fault; readonly atMs: number } | undefined;
  let pending: Promise<Secret> | undefined;
  let isDoubted = false;

  async function ask(): Promise<Secret> {
    try {
      const secret = await fetch();
      held = { secret, atMs: clock.monotonicMs() };
      isDoubted = false;
      if (failed !== undefined) onChange(undefined);
      failed = undefined;
      return secret;
    } catch (caught) {
      const fault = knownFault(caught);
      if (fault.kind === "not_found") held = undefined;
      if (failed?.fault.message !== fault.message) onChange(fault);
      failed = { fault, atMs: clock.monotonicMs() };
      throw fault;
    } finally {
      pending = undefined;
    }
  }

  return {
    current() {
      const nowMs = clock.monotonicMs();
      const ageMs = held === undefined ? Number.POSITIVE_INFINITY : nowMs - held.atMs;
      if (held !== undefined && ageMs < freshMs && !isDoubted) return held.secret;
      const usable = held !== undefined && ageMs < usableMs && !isDoubted ? held.secret : undefined;
      if (failed !== undefined && nowMs - failed.atMs < RETRY_AFTER_MS)
        return usable ?? Promise.reject(failed.fault);
      pending ??= ask();
      if (usable === undefined) return pending;
      pending.catch(() => {});
      return usable;
    },
    doubt() {
      if (held !== undefined && clock.monotonicMs() - held.atMs >= RETRY_AFTER_MS) isDoubted = true;
    },
    problem: () => failed?.fault.message,
  };
}

/** Whatever else goes wrong says nothing of itself: it may quote what it stumbled over. */
function knownFault(caught: unknown): Fault {
  const fault = toFault(caught);
  return fault.code === "upstream.secret" ? fault : noSecret("asking for it failed");
}
