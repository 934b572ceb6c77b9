// The one place where the PASETO library is put together: version 4, public purpose, nothing else is loaded.
// Its errors become Faults here, so that no caller depends on the library.
import { Fault } from "@postern/fault";
import { PublicProtocol } from "paseto";
import {
  ExportPublicKeyFactory,
  ExportSecretKeyFactory,
  GenerateKeyPairFactory,
  GetPublicKeyFactory,
  ImportPublicKeyFactory,
  ImportSecretKeyFactory,
  type PublicKey,
  type SecretKey,
  SignFactory,
  VerifyFactory,
} from "paseto/v4/public";

export const v4 = new PublicProtocol(
  GenerateKeyPairFactory,
  SignFactory,
  VerifyFactory,
  ImportPublicKeyFactory,
  ExportPublicKeyFactory,
  ImportSecretKeyFactory,
  ExportSecretKeyFactory,
  GetPublicKeyFactory,
);

/** Key from `k4.public.…` text. Faults: invalid `signing.key`. */
export async function importPublic(publicKey: string): Promise<PublicKey> {
  if (!isPublicText(publicKey)) throw badKey("public");
  try {
    return await v4.ImportPublicKey(publicKey);
  } catch (caught) {
    throw badKey("public", caught);
  }
}

/** Key from `k4.secret.…` text, whose two halves must belong together. Faults: invalid `signing.key`. */
export async function importSecret(secretKey: string): Promise<SecretKey> {
  if (!isSecretText(secretKey)) throw badKey("secret");
  try {
    return await v4.ImportSecretKey(secretKey);
  } catch (caught) {
    throw badKey("secret", caught);
  }
}

/** The text of a bad key never reaches a message: it may be a secret. */
export function badKey(half: "public" | "secret", cause?: unknown): Fault {
  return new Fault("invalid", "signing.key", `The key is not a well-formed k4.${half} key.`, { cause });
}

function isPublicText(text: string): text is `k4.public.${string}` {
  return text.startsWith("k4.public.");
}

function isSecretText(text: string): text is `k4.secret.${string}` {
  return text.startsWith("k4.secret.");
}
