// Verifies one PASETO v4.public token and reads what it carries.
// One meaning has one spelling: canonical base64url, and JSON that equals its own re-encoding, which rules out duplicate
// keys, white space and loose numbers. Nothing inside is parsed before the signature holds, save the key id.
import { KeyId } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { ClaimValidationError } from "paseto";
import { decodeBase64url } from "./paserk.ts";
import { importPublic, v4 } from "./protocol.ts";

const HEADER = "v4.public.";
const SIGNATURE_BYTES = 64;
const FOOTER_CHARS_MAX = 512;
/** The library judges `exp` and `nbf` by a clock; here a token is judged by its signature alone, so no instant is too far. */
const ANY_TIME = { now: new Date(0), clockTolerance: Number.MAX_SAFE_INTEGER, allowNonExpiring: true };

export interface VerifiedToken {
  /** A JSON object. */
  readonly payload: unknown;
  /** A JSON object, or undefined when the token has no footer. */
  readonly footer: unknown;
}

/**
 * Verifies `token` with a `k4.public.…` key. The size of the token is the caller's to bound.
 * Faults: unauthenticated `signing.malformed` or `signing.signature`; invalid `signing.key`.
 */
export async function verifyToken(
  token: string,
  publicKey: string,
  options: { readonly implicitAssertion?: string } = {},
): Promise<VerifiedToken> {
  const { message, footer } = splitToken(token);
  const key = await importPublic(publicKey);
  try {
    const implicitAssertion = Buffer.from(options.implicitAssertion ?? "");
    await v4.Verify(key, token, { ...ANY_TIME, implicitAssertion });
  } catch (caught) {
    if (caught instanceof ClaimValidationError)
      throw malformed("a registered claim has the wrong type", caught);
    throw new Fault("unauthenticated", "signing.signature", "The signature does not verify.", {
      cause: caught,
    });
  }
  return { payload: readObject(message), footer: footer && readObject(footer) };
}

/** The key id that the footer names, unverified: only good for choosing the key. Undefined when there is no such footer. */
export function readFooter(token: string): { readonly kid: string } | undefined {
  const [version, purpose, body, footer, ...rest] = token.split(".");
  if (version !== "v4" || purpose !== "public" || !body || !footer || rest.length > 0) return undefined;
  if (footer.length > FOOTER_CHARS_MAX) return undefined;
  const text = Buffer.from(footer, "base64url").toString();
  const kid = /^\{"kid":"([^"\\]+)"\}$/.exec(text)?.[1];
  return KeyId.safeParse(kid).success && kid !== undefined ? { kid } : undefined;
}

/** The claims of a token whose signature nobody has checked: for showing, never for deciding. Faults as `verifyToken`. */
export function readUnverified(token: string): VerifiedToken {
  const { message, footer } = splitToken(token);
  return { payload: readObject(message), footer: footer && readObject(footer) };
}

function splitToken(token: string): { message: Uint8Array; footer: Uint8Array | undefined } {
  if (!token.startsWith(HEADER)) throw malformed("it does not start with v4.public.");
  const [bodyText, footerText, ...rest] = token.slice(HEADER.length).split(".");
  const body = decodeBase64url(bodyText ?? "");
  const footer = footerText === undefined ? undefined : decodeBase64url(footerText);
  if (body === undefined || body.length <= SIGNATURE_BYTES)
    throw malformed("its body is not canonical base64url");
  if (rest.length > 0 || (footerText !== undefined && !footer?.length))
    throw malformed("its footer is not canonical");
  return { message: body.subarray(0, -SIGNATURE_BYTES), footer };
}

function readObject(bytes: Uint8Array): unknown {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  try {
    const text = decoder.decode(bytes);
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    if (isObject && JSON.stringify(value) === text) return value;
  } catch (caught) {
    throw malformed("it does not hold JSON", caught);
  }
  throw malformed("its JSON is not in the one accepted form");
}

function malformed(why: string, cause?: unknown): Fault {
  return new Fault("unauthenticated", "signing.malformed", `The token is malformed: ${why}.`, { cause });
}
