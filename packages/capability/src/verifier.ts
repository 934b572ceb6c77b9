// Verifies capability tokens with public keys alone: this side can mint nothing.
// A token seen before costs a comparison or a digest, and no turn of the event loop, because its signatures cannot stop holding; what can
// change (the trusted keys here, time and revocation in checkCapability) is asked anew on every call.
// A flood of new tokens is bounded: cheap refusals first, one verification per token, a cap on those in flight.
import { hash } from "node:crypto";
import { type Reason, reason } from "@postern/contracts";
import { type Clock, type Fault, toFault } from "@postern/fault";
import { type KeySet, verifyToken } from "@postern/signing";
import { createCapabilityCache, type KnownToken } from "./capability-cache.ts";
import { ROOT_ASSERTION, requireLength } from "./chain.ts";
import { type BlockOpener, capabilityOf, readChain } from "./read-chain.ts";
import { reasonOf, refusal } from "./refusal.ts";
import { createTokenMemo } from "./token-memo.ts";

export type Verified = KnownToken["verified"] | { readonly ok: false; readonly reason: Reason };

export interface Verifier {
  /** At once for a token seen before. Never throws or rejects. Says nothing of time, revocation or what the token covers: that is checkCapability's. */
  verify(token: string): Verified | Promise<Verified>;
}

export interface VerifierOptions {
  /** The trusted keys as of now. */
  readonly keys: () => KeySet;
  /** Tokens of any other tenant are refused; undefined accepts every tenant. */
  readonly tenant?: string | undefined;
  readonly clock: Clock;
  /** Verified tokens to remember; those not used lately go first. Default 10,000. */
  readonly cacheEntriesMax?: number;
  /** Distinct tokens being verified at one time; beyond it new tokens are refused, known ones are not. */
  readonly inFlightMax?: number;
  /** Hears of trouble that is not the token's fault. */
  readonly onFault?: (fault: Fault) => void;
}

export function createVerifier(options: VerifierOptions): Verifier {
  const { keys, clock, inFlightMax = 1024, onFault = () => {} } = options;
  const cache = createCapabilityCache(options.cacheEntriesMax ?? 10_000);
  const memo = createTokenMemo<KnownToken>();
  const inFlight = new Map<string, Promise<KnownToken["verified"]>>();

  async function verifyNew(token: string): Promise<KnownToken["verified"]> {
    const opener = createOpener(keys(), clock.nowMs());
    const capability = capabilityOf(await readChain(token, opener));
    if (options.tenant !== undefined && capability.tenant !== options.tenant)
      throw refusal("capability.tenant");
    return { ok: true, capability };
  }

  async function verifyOnce(token: string, id: string): Promise<Verified> {
    const running = inFlight.get(id);
    if (running !== undefined) return running;
    if (inFlight.size >= inFlightMax) throw refusal("capability.unavailable");
    const started = verifyNew(token).finally(() => inFlight.delete(id));
    inFlight.set(id, started);
    const verified = await started;
    cache.put(id, verified);
    return verified;
  }

  /** Undefined for a token that was not seen before. */
  function recall(token: string, id: string): KnownToken | undefined {
    const known = cache.get(id);
    if (known !== undefined) memo.put(token, known);
    return known;
  }

  function verify(token: string): Verified | Promise<Verified> {
    if (token === "") throw refusal("capability.missing");
    const nowMs = clock.nowMs();
    const recent = memo.get(token, nowMs);
    if (recent?.held === true) return stillTrusted(recent, nowMs);
    requireLength(token);
    const id = hash("sha256", token, "base64url");
    const known = recall(token, id);
    return known === undefined ? verifyOnce(token, id).catch(refused) : stillTrusted(known, nowMs);
  }

  function stillTrusted(known: KnownToken, nowMs: number): Verified {
    if (keys().find(known.verified.capability.kid, "capability", nowMs) === undefined) {
      cache.drop(known);
      throw refusal("capability.unknown_key");
    }
    known.used = true;
    return known.verified;
  }

  function refused(caught: unknown): Verified {
    const fault = toFault(caught);
    const refused = reasonOf(fault);
    if (refused === undefined) onFault(fault);
    return { ok: false, reason: refused ?? reason("capability.unavailable") };
  }

  return {
    verify(token) {
      try {
        return verify(token);
      } catch (caught) {
        return refused(caught);
      }
    },
  };
}

function createOpener(keys: KeySet, nowMs: number): BlockOpener {
  return {
    async root(block, kid) {
      const key = keys.find(kid, "capability", nowMs);
      if (key === undefined) throw refusal("capability.unknown_key");
      return verifyToken(block, key.public_key, { implicitAssertion: ROOT_ASSERTION });
    },
    later({ text, before }, publicKey) {
      return verifyToken(text, publicKey, { implicitAssertion: before });
    },
  };
}
