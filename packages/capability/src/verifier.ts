// Verifies capability tokens with public keys alone: this side can mint nothing.
// A token seen before costs one hash and two look-ups, because its signatures cannot stop holding; what can change (the
// trusted keys here, time and revocation in checkCapability) is asked anew on every call.
// A flood of new tokens is bounded: cheap refusals first, one verification per token, a cap on those in flight.
import { hash } from "node:crypto";
import { type Capability, type Reason, reason } from "@postern/contracts";
import { type Clock, type Fault, toFault } from "@postern/fault";
import { type KeySet, verifyToken } from "@postern/signing";
import { createCapabilityCache } from "./capability-cache.ts";
import { ROOT_ASSERTION, requireLength } from "./chain.ts";
import { type BlockOpener, capabilityOf, readChain } from "./read-chain.ts";
import { reasonOf, refusal } from "./refusal.ts";

export type Verified =
  | { readonly ok: true; readonly capability: Capability }
  | { readonly ok: false; readonly reason: Reason };

export interface Verifier {
  /** Never rejects. Says nothing of time, revocation or what the token covers: that is checkCapability's. */
  verify(token: string): Promise<Verified>;
}

export interface VerifierOptions {
  /** The trusted keys as of now. */
  readonly keys: () => KeySet;
  /** Tokens of any other tenant are refused; undefined accepts every tenant. */
  readonly tenant?: string | undefined;
  readonly clock: Clock;
  /** Verified tokens to remember; the least recently used goes first. */
  readonly cacheEntriesMax?: number;
  /** Distinct tokens being verified at one time; beyond it new tokens are refused, known ones are not. */
  readonly inFlightMax?: number;
  /** Hears of trouble that is not the token's fault. */
  readonly onFault?: (fault: Fault) => void;
}

export function createVerifier(options: VerifierOptions): Verifier {
  const { keys, clock, inFlightMax = 1024, onFault = () => {} } = options;
  const cache = createCapabilityCache(options.cacheEntriesMax ?? 10_000);
  const inFlight = new Map<string, Promise<Verified>>();

  async function verifyNew(token: string): Promise<Verified> {
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
    if (verified.ok) cache.put(id, verified.capability);
    return verified;
  }

  async function verify(token: string): Promise<Verified> {
    if (token === "") throw refusal("capability.missing");
    requireLength(token);
    const id = hash("sha256", token, "base64url");
    const known = cache.get(id);
    if (known === undefined) return verifyOnce(token, id);
    if (keys().find(known.kid, "capability", clock.nowMs()) !== undefined)
      return { ok: true, capability: known };
    cache.drop(id);
    throw refusal("capability.unknown_key");
  }

  return {
    async verify(token) {
      try {
        return await verify(token);
      } catch (caught) {
        const fault = toFault(caught);
        const refused = reasonOf(fault);
        if (refused === undefined) onFault(fault);
        return { ok: false, reason: refused ?? reason("capability.unavailable") };
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
