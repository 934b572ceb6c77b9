// What a browser is given when it leaves for the identity provider, so that nobody else can come back in its place: sealed, so that it needs no
// row in the database and any replica can open it, and bound to ten minutes. It proves which browser began a login and gives no right.
import type { Clock } from "@postern/fault";
import { EncryptJWT, jwtDecrypt } from "jose";
import { z } from "zod";
import type { Attempt } from "./identity-provider.ts";

export interface AttemptCookies {
  /** The `Set-Cookie` that carries an attempt to the browser and back. */
  seal(attempt: Attempt): Promise<string>;
  /** The attempt of a request's cookie; undefined when there is none, or it is not ours, or too old. */
  open(headers: Headers): Promise<Attempt | undefined>;
  /** The `Set-Cookie` that takes it away. */
  readonly clearing: string;
}

const NAME = "postern_login";
const LIFE_SECONDS = 600;
const PURPOSE = "postern/login-attempt/v1";
const CHARS_MAX = 2_048;

const Claims = z.object({ state: z.string(), nonce: z.string(), codeVerifier: z.string() });

/** `key`: 32 bytes that all replicas have. `isSecure`: the browser sends it over https only. */
export function createAttemptCookies(options: {
  key: Uint8Array;
  clock: Clock;
  isSecure: boolean;
}): AttemptCookies {
  const { key, clock, isSecure } = options;
  // Lax: it must come along when the provider sends the browser back, and on nothing else that another site begins.
  const attributes = `Path=/v1/auth; HttpOnly; SameSite=Lax${isSecure ? "; Secure" : ""}`;
  return {
    async seal(attempt) {
      const nowSeconds = Math.floor(clock.nowMs() / 1000);
      const sealed = await new EncryptJWT({ ...attempt })
        .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
        .setAudience(PURPOSE)
        .setExpirationTime(nowSeconds + LIFE_SECONDS)
        .encrypt(key);
      return `${NAME}=${sealed}; Max-Age=${LIFE_SECONDS}; ${attributes}`;
    },

    async open(headers) {
      const sealed = cookieOf(headers);
      if (sealed === undefined || sealed.length > CHARS_MAX) return undefined;
      try {
        const { payload } = await jwtDecrypt(sealed, key, {
          audience: PURPOSE,
          currentDate: new Date(clock.nowMs()),
          keyManagementAlgorithms: ["dir"],
          contentEncryptionAlgorithms: ["A256GCM"],
          requiredClaims: ["exp"],
        });
        return Claims.parse(payload);
      } catch {
        // Whatever is wrong with it, the browser must begin again.
        return undefined;
      }
    },

    clearing: `${NAME}=; Max-Age=0; ${attributes}`,
  };
}

function cookieOf(headers: Headers): string | undefined {
  const cookies = (headers.get("cookie") ?? "").split(/;\s*/);
  return cookies.find((cookie) => cookie.startsWith(`${NAME}=`))?.slice(NAME.length + 1);
}
