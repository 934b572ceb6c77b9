// Keys that sign: Ed25519, imported once and not extractable, so that no later bug can print the secret half.
import { webcrypto } from "node:crypto";
import type { JsonObject } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { PublicKeyToCryptoKey, SecretKeyToCryptoKey } from "paseto/v4/public";
import { kidOf } from "./paserk.ts";
import { importPublic, importSecret, v4 } from "./protocol.ts";

export interface KeyPairText {
  /** `k4.pid.…` */
  readonly kid: string;
  /** `k4.public.…` */
  readonly publicKey: string;
  /** `k4.secret.…` */
  readonly secretKey: string;
}

export interface SignOptions {
  readonly footer?: JsonObject;
  /** Authenticated text that the token does not carry: who verifies must know it. */
  readonly implicitAssertion?: string;
}

export interface SigningKey {
  readonly kid: string;
  readonly publicKey: string;
  /** A v4.public token holding exactly `payload`; no claim is added. Faults: invalid `signing.payload`. */
  sign(payload: JsonObject, options?: SignOptions): Promise<string>;
  /** A raw Ed25519 signature (64 bytes), for formats that are not PASETO, such as C2SP notes. */
  signBytes(data: Uint8Array): Promise<Uint8Array>;
}

export async function generateKeyPair(): Promise<KeyPairText> {
  const pair = await v4.GenerateKeyPair({ extractable: true });
  const publicKey = await v4.ExportPublicKey(pair.publicKey);
  return { kid: kidOf(publicKey), publicKey, secretKey: await v4.ExportSecretKey(pair.secretKey) };
}

/** Signing key from `k4.secret.…` text. Faults: invalid `signing.key`. */
export async function importSigningKey(secretKey: string): Promise<SigningKey> {
  const secret = await importSecret(secretKey);
  const publicKey = await v4.ExportPublicKey(await v4.GetPublicKey(secret));
  const rawKey = SecretKeyToCryptoKey(secret);
  return {
    kid: kidOf(publicKey),
    publicKey,
    async sign(payload, options = {}) {
      try {
        return await v4.Sign<JsonObject>(secret, payload, {
          addIssuedAt: false,
          // The library would add an `exp` of its own to a payload that has none.
          nonExpiring: payload.exp === undefined,
          footer: Buffer.from(options.footer === undefined ? "" : JSON.stringify(options.footer)),
          implicitAssertion: Buffer.from(options.implicitAssertion ?? ""),
        });
      } catch (caught) {
        throw new Fault("invalid", "signing.payload", "The payload cannot be signed.", { cause: caught });
      }
    },
    async signBytes(data) {
      return new Uint8Array(await webcrypto.subtle.sign("Ed25519", rawKey, new Uint8Array(data)));
    },
  };
}

/** Whether `signature` (raw Ed25519) over `data` is by `publicKey` (`k4.public.…`). Faults: invalid `signing.key`. */
export async function verifyBytes(
  data: Uint8Array,
  signature: Uint8Array,
  publicKey: string,
): Promise<boolean> {
  const rawKey = PublicKeyToCryptoKey(await importPublic(publicKey));
  return await webcrypto.subtle.verify("Ed25519", rawKey, new Uint8Array(signature), new Uint8Array(data));
}
