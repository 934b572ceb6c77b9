// What the tests of this package start from: one issuer with one active key, a clock that stands still, ids that count.
import type { PublishedKey } from "@postern/contracts";
import {
  createKeySet,
  generateKeyPair,
  importSigningKey,
  type KeySet,
  type SigningKey,
} from "@postern/signing";
import { fixedClock, sequentialIds } from "@postern/testkit";
import { type MintedToken, type MintRequest, mint } from "./mint.ts";
import { createVerifier, type Verified } from "./verifier.ts";

export const NOW = Date.parse("2026-11-22T12:00:00Z");
export const clock = fixedClock(NOW);
/** Counts across all tests of a file, so that no two ids are alike. */
export const newId = sequentialIds();

export interface Issuer {
  readonly key: SigningKey;
  readonly published: PublishedKey;
  readonly keys: KeySet;
  mint(request?: Partial<MintRequest>): Promise<MintedToken>;
  /** Verifies afresh, with no cache from one call to the next. */
  verify(token: string): Promise<Verified>;
}

export async function createIssuer(): Promise<Issuer> {
  const pair = await generateKeyPair();
  const key = await importSigningKey(pair.secretKey);
  const published = { kid: key.kid, public_key: key.publicKey, use: "capability", status: "active" } as const;
  const keys = createKeySet([published]);
  return {
    key,
    published,
    keys,
    mint: (request) =>
      mint({ tenant: "acme", subject: "bot", caveats: [], ...request }, { key, clock, newId }),
    verify: async (token) => createVerifier({ keys: () => keys, tenant: "acme", clock }).verify(token),
  };
}
