// What minting and attenuating have in common: claims are held to the very rules by which they will be read, so that
// nothing is issued that a verifier would refuse.
import type { Caveat, JsonObject } from "@postern/contracts";
import { Fault, toFault } from "@postern/fault";
import { isPointer } from "./argument-predicate.ts";
import { sealChain } from "./chain.ts";
import { readUnverifiedChain } from "./unverified.ts";

/** `claims` without its undefined members, after `read` has accepted them. Faults: invalid `capability.claims`. */
export function draftClaims(claims: object, read: (payload: unknown) => unknown): JsonObject {
  const payload: JsonObject = JSON.parse(JSON.stringify(claims));
  try {
    read(payload);
  } catch (caught) {
    throw badClaims(toFault(caught).message);
  }
  return payload;
}

/** A pointer that is none would make its caveat refuse every call. Faults: invalid `capability.claims`. */
export function requirePointers(caveats: readonly Caveat[]): void {
  for (const caveat of caveats) {
    if (caveat.type !== "arguments") continue;
    const wrong = caveat.predicates?.find((predicate) => !isPointer(predicate.path));
    if (wrong !== undefined) throw badClaims(`${wrong.path} is not a JSON Pointer (RFC 6901).`);
  }
}

/** The finished token, sealed when it can be attenuated, read back as a whole. Faults: invalid `capability.claims`. */
export async function finishToken(chain: string, attenuationKey: string | undefined): Promise<string> {
  const token = attenuationKey === undefined ? chain : await sealChain(chain, attenuationKey);
  try {
    await readUnverifiedChain(token);
  } catch (caught) {
    throw badClaims(toFault(caught).message);
  }
  return token;
}

/** RFC 3339 text of an instant. Faults: invalid `capability.claims` when there is no such instant. */
export function instant(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.valueOf())) throw badClaims("The token's lifetime is out of range.");
  return date.toISOString();
}

export function badClaims(message: string): Fault {
  return new Fault("invalid", "capability.claims", message);
}
