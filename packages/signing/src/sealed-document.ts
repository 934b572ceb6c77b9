// Documents that one process signs and another believes: key lists, control state, bundle manifests, acknowledgements.
// The purpose is an implicit assertion, so that a document sealed for one purpose opens for no other.
import type { JsonObject, KeyUse } from "@postern/contracts";
import { Fault } from "@postern/fault";
import type { KeySet } from "./key-set.ts";
import type { SigningKey } from "./signing-key.ts";
import { readFooter, verifyToken } from "./token.ts";

export type SealPurpose = "bundle" | "state" | "acknowledgement" | "keys";

/** A v4.public token holding `document`, with the signer's id in its footer. Faults: invalid `signing.payload`. */
export function seal(
  document: JsonObject,
  { key, purpose }: { readonly key: SigningKey; readonly purpose: SealPurpose },
): Promise<string> {
  return key.sign(document, { footer: { kid: key.kid }, implicitAssertion: assertionFor(purpose) });
}

/**
 * The document and who sealed it. Its shape and age are the caller's to judge, as is the length of the text.
 * Faults: unauthenticated `signing.malformed`, `signing.unknown_key` or `signing.signature`.
 */
export async function open(
  sealed: string,
  options: {
    readonly keys: KeySet;
    readonly use: KeyUse;
    readonly purpose: SealPurpose;
    readonly nowMs: number;
  },
): Promise<{ readonly document: unknown; readonly kid: string }> {
  const kid = readFooter(sealed)?.kid;
  if (kid === undefined) {
    throw new Fault("unauthenticated", "signing.malformed", "The sealed document names no key.");
  }
  const key = options.keys.find(kid, options.use, options.nowMs);
  if (key === undefined) {
    throw new Fault("unauthenticated", "signing.unknown_key", "The sealed document's key is not trusted.", {
      detail: `kid ${kid}, use ${options.use}`,
    });
  }
  const implicitAssertion = assertionFor(options.purpose);
  const { payload } = await verifyToken(sealed, key.public_key, { implicitAssertion });
  return { document: payload, kid };
}

function assertionFor(purpose: SealPurpose): string {
  return `postern/${purpose}/v1`;
}
