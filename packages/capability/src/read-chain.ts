// Walks a chain from the root to its end. Every rule of the form holds whether signatures are verified (the verifier)
// or not (the inspector): the two differ only in how they open a block.
import {
  CAVEATS_MAX,
  type Capability,
  type Caveat,
  HOPS_MAX,
  type Hop,
  type RootClaims,
} from "@postern/contracts";
import { readFooter, type VerifiedToken } from "@postern/signing";
import { type Block, isSeal, splitChain } from "./chain.ts";
import { readHopClaims, readRootClaims } from "./claims.ts";
import { refusal } from "./refusal.ts";

export interface BlockOpener {
  /** The root block, signed by the control plane's key `kid`. */
  root(block: string, kid: string): Promise<VerifiedToken>;
  /** A later block, signed by `publicKey` and bound to `block.before`. */
  later(block: Block, publicKey: string): Promise<VerifiedToken>;
}

export interface ReadHop extends Hop {
  readonly issuedAt: string;
}

export interface Chain {
  readonly kid: string;
  readonly root: RootClaims;
  readonly hops: readonly ReadHop[];
  /** Public half of the key that may append a hop; undefined when none may. */
  readonly next: string | undefined;
}

/** Faults: unauthenticated `capability.*` or `signing.*`, and whatever the opener throws. */
export async function readChain(token: string, opener: BlockOpener): Promise<Chain> {
  const { root: text, rest } = splitChain(token);
  const kid = readFooter(text)?.kid;
  if (kid === undefined) throw refusal("capability.malformed");
  const root = readRootClaims((await opener.root(text, kid)).payload);
  const hops: ReadHop[] = [{ jti: root.jti, issuedAt: root.iat, caveats: root.caveats }];
  let parentJti = root.jti;
  let next = root.next;
  for (const [index, block] of rest.entries()) {
    if (next === undefined) throw refusal("capability.malformed", "The token goes on after its last block.");
    const { payload, footer } = await opener.later(block, next);
    if (footer !== undefined) throw refusal("capability.malformed", "Only the root block may have a footer.");
    if (isSeal(payload)) {
      if (index !== rest.length - 1) throw refusal("capability.malformed", "A block follows the seal.");
      return complete({ kid, root, hops, next });
    }
    const claims = readHopClaims(payload, root.jti, parentJti);
    hops.push({ jti: claims.jti, issuedAt: claims.iat, caveats: claims.caveats });
    parentJti = claims.jti;
    next = claims.next;
  }
  if (next !== undefined) throw refusal("capability.malformed", "The token is cut off: its seal is missing.");
  return complete({ kid, root, hops, next });
}

function complete(chain: Chain): Chain {
  if (chain.hops.length > HOPS_MAX) {
    throw refusal("capability.malformed", `A capability token has at most ${HOPS_MAX} blocks.`);
  }
  const ids = new Set(chain.hops.map((hop) => hop.jti));
  if (ids.size !== chain.hops.length) throw refusal("capability.malformed", "Two blocks have the same jti.");
  if (caveatsOf(chain.hops).length > CAVEATS_MAX) {
    throw refusal("capability.malformed", `A capability token has at most ${CAVEATS_MAX} caveats.`);
  }
  return chain;
}

/** The chain as the rest of the product sees it. */
export function capabilityOf({ kid, root, hops }: Chain): Capability {
  const caveats = caveatsOf(hops);
  const expiries = [root.exp, ...caveats.map((each) => (each.type === "expiry" ? each.at : undefined))];
  const stepUps = caveats.map((each) => (each.type === "step_up" ? each.at : undefined));
  return {
    tenant: root.tenant,
    agent: root.sub,
    issuer: root.iss,
    jti: hops.at(-1)?.jti ?? root.jti,
    rootJti: root.root_jti,
    parentJti: hops.at(-2)?.jti ?? root.parent_jti,
    ...(root.parent_jti === undefined ? {} : { mintedFromJti: root.parent_jti }),
    kid,
    issuedAtMs: Date.parse(root.iat),
    notBeforeMs: root.nbf === undefined ? undefined : Date.parse(root.nbf),
    expiresAtMs: instants(expiries).at(0),
    stepUpAtMs: instants(stepUps).at(-1),
    hops: hops.map(({ jti, caveats: own }) => ({ jti, caveats: own })),
    caveatCount: caveats.length,
  };
}

function caveatsOf(hops: readonly Hop[]): readonly Caveat[] {
  return hops.flatMap((hop) => hop.caveats);
}

/** Milliseconds of the instants that are there, earliest first. */
function instants(texts: readonly (string | undefined)[]): readonly number[] {
  return texts
    .filter((text) => text !== undefined)
    .map((text) => Date.parse(text))
    .sort((left, right) => left - right);
}
