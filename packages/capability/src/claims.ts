// Claims of a block, checked against the wire schema. Strict: an unknown field, caveat or form refuses the token.
import { HopClaims, RootClaims } from "@postern/contracts";
import { refusal } from "./refusal.ts";

/** Faults: unauthenticated `capability.malformed` or `capability.caveat_unknown`. */
export function readRootClaims(payload: unknown): RootClaims {
  const claims = parse(RootClaims, payload);
  const isFirstOfItsLine = claims.parent_jti === undefined;
  if (isFirstOfItsLine !== (claims.root_jti === claims.jti)) {
    throw refusal("capability.malformed", "The token's root_jti does not fit its jti and parent_jti.");
  }
  // A dot separates a root's id from those of its hops, so that no hop can take the id of a token that is not its own.
  if (claims.jti.includes(".")) {
    throw refusal("capability.malformed", "The id of a root block must not hold a dot.");
  }
  return claims;
}

/**
 * Claims of a hop below `parentJti`. Its holder chose every one of them, so each is held to what it may say:
 * its id lies under the root's, so that no other token's budget can be charged; it can claim no fresh factor.
 * Faults: as `readRootClaims`.
 */
export function readHopClaims(payload: unknown, rootJti: string, parentJti: string): HopClaims {
  const claims = parse(HopClaims, payload);
  if (claims.parent_jti !== parentJti || !claims.jti.startsWith(`${rootJti}.`)) {
    throw refusal("capability.malformed", "A hop's jti or parent_jti does not fit the block before it.");
  }
  if (claims.caveats.some((caveat) => caveat.type === "step_up")) {
    throw refusal("capability.malformed", "Only the root block may hold a step_up caveat.");
  }
  return claims;
}

interface Schema<T> {
  safeParse(value: unknown): { success: true; data: T } | { success: false; error: ParseError };
}
interface ParseError {
  readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
}

function parse<T>(schema: Schema<T>, payload: unknown): T {
  const parsed = schema.safeParse(payload);
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  const where = first?.path.join(".") || "the block";
  if (first?.path.length === 3 && first.path[0] === "caveats" && first.path[2] === "type") {
    throw refusal("capability.caveat_unknown");
  }
  throw refusal("capability.malformed", `The token's claims are malformed at ${where}: ${first?.message}.`);
}
