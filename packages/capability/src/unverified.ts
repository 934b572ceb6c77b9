// Reads a token without any key: for its holder, who attenuates it, and for whoever wants to see what it says.
// What is read here decides nothing.
import { Fault, toFault } from "@postern/fault";
import { readUnverified } from "@postern/signing";
import { type Chain, readChain } from "./read-chain.ts";
import { reasonOf } from "./refusal.ts";

/** Faults: invalid `capability.malformed` or `capability.caveat_unknown`. */
export async function readUnverifiedChain(token: string): Promise<Chain> {
  try {
    return await readChain(token, {
      root: async (block) => readUnverified(block),
      later: async (block) => readUnverified(block.text),
    });
  } catch (caught) {
    const refused = reasonOf(toFault(caught));
    if (refused === undefined) throw caught;
    throw new Fault("invalid", refused.code, refused.detail, { cause: caught });
  }
}
