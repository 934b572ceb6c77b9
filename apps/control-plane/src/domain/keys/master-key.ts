// The one secret outside the database: under it every tenant's secret keys are wrapped. Whoever loses it can sign nothing any more.
import { hkdfSync } from "node:crypto";
import { Fault } from "@postern/fault";

/** 32 bytes, or undefined where none is configured: then nothing can be signed, and everything else works. */
export type MasterKey = Uint8Array | undefined;

const BYTES = 32;

/**
 * The master key from its configured text: base64 or base64url of at least 32 bytes.
 * @throws Fault invalid "keys.master_key".
 */
export function readMasterKey(text: string): Uint8Array {
  const trimmed = text.trim();
  const bytes = Buffer.from(trimmed, "base64");
  const canonical = bytes.toString("base64url");
  const given = trimmed.replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_");
  if (canonical !== given || bytes.length < BYTES) {
    throw new Fault("invalid", "keys.master_key", "The master key must be base64 of at least 32 bytes.");
  }
  if (bytes.length === BYTES) return bytes;
  return new Uint8Array(hkdfSync("sha256", bytes, "", "postern/master-key/v1", BYTES));
}

/**
 * The master key where there must be one.
 * @throws Fault unavailable "keys.no_master_key".
 */
export function requireMasterKey(masterKey: MasterKey): Uint8Array {
  if (masterKey !== undefined) return masterKey;
  throw new Fault(
    "unavailable",
    "keys.no_master_key",
    "The master key is not configured (POSTERN_MASTER_KEY), so nothing can be signed.",
  );
}
