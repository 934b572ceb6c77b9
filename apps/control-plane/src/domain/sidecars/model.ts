// A sidecar belongs to one tenant and proves it with a credential that is shown once and stored as a digest.
import { createHash, timingSafeEqual } from "node:crypto";
import { Identifier, TenantId } from "@postern/contracts";

export interface Sidecar {
  readonly tenant: string;
  readonly id: string;
  readonly name: string;
  readonly credentialSha256: string;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly epoch: number;
  readonly removedAt: Date | null;
}

export interface SidecarBoot {
  readonly version: string;
  readonly hostname: string;
}

/** A sidecar as listed, with its latest boot. */
export type ListedSidecar = Sidecar & {
  readonly version: string | null;
  readonly hostname: string | null;
  readonly registeredAt: Date | null;
};

const PREFIX = "postern-sidecar";
const SECRET_BYTES = 32;

/** `postern-sidecar.<tenant>.<id>.<secret>`: names its own row, so that finding it needs no search by secret. */
export function credentialText(tenant: string, id: string, secret: Uint8Array): string {
  return [PREFIX, tenant, id, Buffer.from(secret).toString("base64url")].join(".");
}

/** Whose credential this claims to be; undefined when it is not one. */
export function readCredential(credential: string): { tenant: string; id: string } | undefined {
  const [prefix, tenant, id, secret, ...rest] = credential.length > 512 ? [] : credential.split(".");
  if (prefix !== PREFIX || rest.length > 0 || secret === undefined) return undefined;
  if (!TenantId.safeParse(tenant).success || !Identifier.safeParse(id).success) return undefined;
  if (Buffer.from(secret, "base64url").length !== SECRET_BYTES) return undefined;
  return tenant === undefined || id === undefined ? undefined : { tenant, id };
}

export function credentialDigest(credential: string): string {
  return createHash("sha256").update(credential).digest("hex");
}

/** Compares in constant time. */
export function isCredentialOf(sidecar: Sidecar, credential: string): boolean {
  const given = Buffer.from(credentialDigest(credential));
  return timingSafeEqual(given, Buffer.from(sidecar.credentialSha256));
}
