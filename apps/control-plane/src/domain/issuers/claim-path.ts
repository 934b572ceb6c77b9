// RFC 6901 through objects only: a position in a list means nothing in claims.
import type { Claims } from "./model.ts";

/** The claim that a pointer names; undefined when there is none. */
export function claimAt(claims: Claims, pointer: string): unknown {
  let value: unknown = claims;
  for (const token of pointer.split("/").slice(1)) {
    const name = token.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    if (!Object.hasOwn(value, name)) return undefined;
    value = Reflect.get(value, name);
  }
  return value;
}
