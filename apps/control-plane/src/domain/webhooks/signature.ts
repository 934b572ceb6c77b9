// Secrets and signatures of Standard Webhooks: "whsec_" and base64 of 32 bytes; HMAC-SHA256 over id, timestamp and body, one signature for each
// secret that counts, so that a receiver may change over to a new secret at its leisure.
import { Webhook as Signer } from "standardwebhooks";

const PREFIX = "whsec_";
export const SECRET_BYTES = 32;

export function secretText(secret: Uint8Array): string {
  return PREFIX + Buffer.from(secret).toString("base64");
}

export interface Message {
  readonly id: string;
  readonly body: string;
  /** Of this attempt. */
  readonly atMs: number;
}

/** The headers of a message, signed with each secret. */
export function signedHeaders(
  { id, body, atMs }: Message,
  secrets: readonly Uint8Array[],
): Readonly<Record<string, string>> {
  const at = new Date(atMs);
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(atMs / 1000)),
    "webhook-signature": secrets
      .map((secret) => new Signer(secret, { format: "raw" }).sign(id, at, body))
      .join(" "),
  };
}
