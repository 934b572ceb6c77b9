// Names that cross a process. Each is a plain string on the wire; the pattern is the whole rule.
import { z } from "zod";

/** Tenant name: lower-case DNS-like label, 1 to 63 characters. It is part of log origins and of file names. */
export const TenantId = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    "must be 1 to 63 lower-case letters, digits or inner hyphens",
  );
export type TenantId = z.infer<typeof TenantId>;

/** Any other identifier that Postern makes or accepts (jti, event id, sidecar id): URL-safe, 1 to 128 characters. */
export const Identifier = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/, "must be 1 to 128 of A-Z a-z 0-9 . _ : -");

/** Who acts with a token: free of control characters, 1 to 200 characters. */
export const AgentId = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}]*$/u, "must not hold control characters");

/** Instant as RFC 3339 UTC text, as `Date.prototype.toISOString` prints it (milliseconds optional). */
export const Timestamp = z.iso.datetime({ offset: false });

/** SHA-256 as 64 lower-case hexadecimal digits. */
export const Sha256Hex = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hexadecimal digits");

/** A PASERK public key id (`k4.pid.…`), used as `kid` everywhere. */
export const KeyId = z.string().regex(/^k4\.pid\.[A-Za-z0-9_-]{44}$/, "must be a PASERK k4.pid");

/** A PASERK public key (`k4.public.…`). */
export const PublicKeyText = z
  .string()
  .regex(/^k4\.public\.[A-Za-z0-9_-]{43}$/, "must be a PASERK k4.public");
