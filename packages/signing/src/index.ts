export { createKeySet, type KeySet } from "./key-set.ts";
export { kidOf, publicKeyBytes } from "./paserk.ts";
export { open, type SealPurpose, seal } from "./sealed-document.ts";
export {
  generateKeyPair,
  importSigningKey,
  type KeyPairText,
  type SigningKey,
  type SignOptions,
  verifyBytes,
} from "./signing-key.ts";
export { readFooter, readUnverified, type VerifiedToken, verifyToken } from "./token.ts";
export { unwrapSecretKey, unwrapSymmetricKey, wrapSecretKey, wrapSymmetricKey } from "./wrapped-key.ts";
