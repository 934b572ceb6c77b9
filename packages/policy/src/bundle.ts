// A policy on its way from the control plane to the sidecars: one canonical archive, named by its SHA-256, whose sealed manifest
// lists every other file in it. Layout: manifest.sealed, policy.wasm, data.json, source/*.rego (for auditors; never evaluated).
import { createHash } from "node:crypto";
import { BundleManifest, POLICY_ENTRYPOINT } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { type SigningKey, seal } from "@postern/signing";
import type { CompiledPolicy } from "./compile.ts";
import { packTar, type TarFile } from "./tar.ts";

export const MANIFEST_PATH = "manifest.sealed";
export const WASM_PATH = "policy.wasm";
export const DATA_PATH = "data.json";
export const SOURCE_FOLDER = "source/";

/** Largest archive that is packed or opened. */
export const BUNDLE_BYTES_MAX = 48 * 1024 * 1024;

export interface PackRequest {
  readonly tenant: string;
  /** Higher than every earlier one of the tenant. */
  readonly revision: number;
  /** RFC 3339 UTC, as is `expiresAt`. */
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly compiled: CompiledPolicy;
  readonly key: SigningKey;
}

export interface PackedBundle {
  readonly bytes: Uint8Array;
  /** SHA-256 of `bytes`. */
  readonly digest: string;
  readonly manifest: BundleManifest;
}

/** Signs and packs. Faults: invalid `bundle.manifest`, too_large `bundle.too_large`, those of the signing key. */
export async function packBundle(request: PackRequest): Promise<PackedBundle> {
  const { compiled, key } = request;
  const files = [
    { path: WASM_PATH, bytes: compiled.wasm },
    { path: DATA_PATH, bytes: Buffer.from(compiled.dataJson) },
    ...Object.entries(compiled.sources).map(([path, text]) => ({
      path: `${SOURCE_FOLDER}${path}`,
      bytes: Buffer.from(text),
    })),
  ];
  const manifest = manifestOf(request, files);
  const sealed = await seal(manifest, { key, purpose: "bundle" });
  const bytes = await packTar([{ path: MANIFEST_PATH, bytes: Buffer.from(sealed) }, ...files]);
  if (bytes.byteLength <= BUNDLE_BYTES_MAX) return { bytes, digest: sha256(bytes), manifest };
  throw new Fault("too_large", "bundle.too_large", `The bundle is larger than ${BUNDLE_BYTES_MAX} bytes.`);
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function manifestOf(request: PackRequest, files: readonly TarFile[]): BundleManifest {
  const { compiled } = request;
  const manifest = BundleManifest.safeParse({
    format: "postern.bundle.v1",
    tenant: request.tenant,
    revision: request.revision,
    created_at: request.createdAt,
    expires_at: request.expiresAt,
    capabilities_sha256: compiled.capabilitiesSha256,
    compiler: compiled.compiler,
    entrypoint: POLICY_ENTRYPOINT,
    input_paths: compiled.inputPaths,
    files: files.map(({ path, bytes }) => ({ path, size_bytes: bytes.byteLength, sha256: sha256(bytes) })),
  });
  if (manifest.success) return manifest.data;
  throw new Fault("invalid", "bundle.manifest", "The bundle cannot be described.", { cause: manifest.error });
}
