// What became of access tokens, by their digests: the capability that each was exchanged for, or that it was exchanged for nothing. Both
// tables are bounded apart, so that a flood of bad tokens cannot push out good ones.
import type { Reason } from "@postern/contracts";

export interface ExchangedToken {
  readonly token: string;
  /** From then on another one should be asked for. */
  renewAtMs: number;
  readonly expiresAtMs: number;
}

export interface ExchangedTokens {
  /** undefined when there is none that is still good at `nowMs`. */
  capability(digest: string, nowMs: number): ExchangedToken | undefined;
  refusal(digest: string, nowMs: number): Reason | undefined;
  keep(digest: string, token: ExchangedToken): void;
  refuse(digest: string, refusal: Reason, untilMs: number): void;
  clear(): void;
}

export function createExchangedTokens({ entriesMax }: { entriesMax: number }): ExchangedTokens {
  const capabilities = new Map<string, ExchangedToken>();
  const refusals = new Map<string, { readonly refusal: Reason; readonly untilMs: number }>();

  function put<T>(table: Map<string, T>, digest: string, value: T): void {
    table.delete(digest);
    table.set(digest, value);
    for (const oldest of table.keys()) {
      if (table.size <= entriesMax) break;
      table.delete(oldest);
    }
  }

  return {
    capability(digest, nowMs) {
      const kept = capabilities.get(digest);
      return kept !== undefined && nowMs < kept.expiresAtMs ? kept : undefined;
    },
    refusal(digest, nowMs) {
      const kept = refusals.get(digest);
      return kept !== undefined && nowMs < kept.untilMs ? kept.refusal : undefined;
    },
    keep: (digest, token) => put(capabilities, digest, token),
    refuse: (digest, refusal, untilMs) => put(refusals, digest, { refusal, untilMs }),
    clear() {
      capabilities.clear();
      refusals.clear();
    },
  };
}
