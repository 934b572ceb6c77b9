// The form of a token: blocks joined by "~", each a PASETO v4.public token (docs/adr/0002-token-format.md).
//   root [~ hop]… [~ seal]
// The root block is signed by the control plane. A block may name a key, `next`; whoever holds its secret half may append
// one hop, bound to the exact text before it. A chain whose last block names a `next` is complete only with a seal: the
// signature of that key over all of the text. So a prefix cut out of a longer chain is worth nothing, because the holder
// of the child does not have the parent's key; and no block can be removed, exchanged or moved.
import { HOPS_MAX, TOKEN_BYTES_MAX } from "@postern/contracts";
import { generateKeyPair, importSigningKey } from "@postern/signing";
import { refusal } from "./refusal.ts";

/** The implicit assertion of a root block: no other document signed with the same key can pass for one. */
export const ROOT_ASSERTION = "postern/capability/v1";

const SEPARATOR = "~";
const ALPHABET = /^[A-Za-z0-9._~-]+$/;

export interface Block {
  readonly text: string;
  /** Everything before this block, without the separator: what the block is bound to. */
  readonly before: string;
}

/** Root block and those after it, unverified. Faults: unauthenticated `capability.malformed`. */
export function splitChain(token: string): { readonly root: string; readonly rest: readonly Block[] } {
  requireLength(token);
  if (!ALPHABET.test(token)) throw refusal("capability.malformed");
  const [root = "", ...texts] = token.split(SEPARATOR);
  // As many further blocks as hops in all: the root is a hop, the seal is none.
  if (texts.length > HOPS_MAX) throw refusal("capability.malformed");
  let before = root;
  const rest = texts.map((text) => {
    const block = { text, before };
    before += SEPARATOR + text;
    return block;
  });
  return { root, rest };
}

/** Asked before anything else, so that a huge token costs nothing. Faults: unauthenticated `capability.malformed`. */
export function requireLength(token: string): void {
  if (token.length <= TOKEN_BYTES_MAX) return;
  throw refusal("capability.malformed", `A capability token has at most ${TOKEN_BYTES_MAX} characters.`);
}

/** Appends one block. */
export function append(chain: string, block: string): string {
  return chain + SEPARATOR + block;
}

/** Completes a chain whose last block names the public half of `attenuationKey` as `next`. */
export async function sealChain(chain: string, attenuationKey: string): Promise<string> {
  const key = await importSigningKey(attenuationKey);
  return append(chain, await key.sign({}, { implicitAssertion: chain }));
}

/** The chain of a token that ends with a seal. */
export function withoutSeal(token: string): string {
  return token.slice(0, token.lastIndexOf(SEPARATOR));
}

/** A seal claims nothing: its payload is the empty object, which no root or hop can be. */
export function isSeal(payload: unknown): boolean {
  return typeof payload === "object" && payload !== null && Object.keys(payload).length === 0;
}

/** The one-time key of an attenuable block: the public half goes into the block, the secret half to its holder. */
export async function nextKey(
  attenuable: boolean | undefined,
): Promise<{ readonly next?: string; readonly attenuationKey?: string }> {
  if (attenuable !== true) return {};
  const pair = await generateKeyPair();
  return { next: pair.publicKey, attenuationKey: pair.secretKey };
}
