// The only way in for a policy: everything about a bundle is proved before one instruction of it runs. The signature covers the
// manifest, the manifest covers every file, and packing the files again must give the very same bytes, so that no second reader
// of the archive could see another content.
import { BundleManifest, type PolicyPointer } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { type KeySet, open } from "@postern/signing";
import { BUNDLE_BYTES_MAX, DATA_PATH, MANIFEST_PATH, SOURCE_FOLDER, sha256, WASM_PATH } from "./bundle.ts";
import { packTar, unpackTar } from "./tar.ts";
import { compileMetered, compileModule } from "./wasm-module.ts";

export interface OpenOptions {
  readonly keys: KeySet;
  /** Whose policy it must be. */
  readonly tenant: string;
  /** Lowest revision to accept: the highest that was ever seen. */
  readonly revisionMin: number;
  /** SHA-256 that the bytes must have, when it is known. */
  readonly digest?: string;
  readonly nowMs: number;
}

export interface OpenedBundle {
  readonly manifest: BundleManifest;
  readonly pointer: PolicyPointer;
  readonly module: WebAssembly.Module;
  /** The same with a meter, for evaluation that nobody can interrupt; undefined if there is no saying how long it may take. */
  readonly metered: WebAssembly.Module | undefined;
  readonly dataJson: string;
  /** Rego text by path. */
  readonly sources: Readonly<Record<string, string>>;
}

type Files = ReadonlyMap<string, Uint8Array>;

const MANIFEST_BYTES_MAX = 512 * 1024;

/**
 * Proves and opens a bundle.
 * Faults: too_large `bundle.too_large`; invalid `bundle.digest`, `bundle.archive`, `bundle.manifest`, `bundle.files`, `bundle.data`,
 * `bundle.wasm`; unauthenticated `bundle.unsigned` and those of `open`; forbidden `bundle.tenant`; precondition `bundle.revision`,
 * `bundle.expired`.
 */
export async function openBundle(bytes: Uint8Array, options: OpenOptions): Promise<OpenedBundle> {
  if (bytes.byteLength > BUNDLE_BYTES_MAX) {
    throw new Fault("too_large", "bundle.too_large", `The bundle is larger than ${BUNDLE_BYTES_MAX} bytes.`);
  }
  const digest = sha256(bytes);
  if (options.digest !== undefined && options.digest !== digest) {
    throw new Fault("invalid", "bundle.digest", "The bundle is not the one that was asked for.");
  }
  const files = await unpack(bytes);
  const { manifest, kid } = await openManifest(files, options);
  requireCurrent(manifest, options);
  requireListedFiles(manifest, files);
  const { revision, expires_at } = manifest;
  const wasm = fileOf(files, WASM_PATH);
  return {
    manifest,
    pointer: { revision, digest, kid, expires_at },
    module: await compileModule(wasm),
    metered: await compileMetered(wasm),
    dataJson: readData(fileOf(files, DATA_PATH)),
    sources: readSources(files),
  };
}

async function unpack(bytes: Uint8Array): Promise<Files> {
  const { entries, again } = await readTwice(bytes).catch((cause: unknown) => {
    throw new Fault("invalid", "bundle.archive", "The bundle is not a readable archive.", { cause });
  });
  const files = new Map(entries.map(({ path, bytes: content }) => [path, content]));
  if (files.size === entries.length && Buffer.from(again).equals(bytes)) return files;
  throw new Fault("invalid", "bundle.archive", "The bundle is not packed in the canonical way.");
}

async function readTwice(bytes: Uint8Array) {
  const entries = await unpackTar(bytes);
  return { entries, again: await packTar(entries) };
}

async function openManifest(files: Files, { keys, nowMs }: OpenOptions) {
  const sealed = files.get(MANIFEST_PATH);
  if (sealed === undefined || sealed.byteLength > MANIFEST_BYTES_MAX) {
    throw new Fault("unauthenticated", "bundle.unsigned", "The bundle has no signed manifest.");
  }
  const { document, kid } = await open(Buffer.from(sealed).toString("latin1"), {
    keys,
    use: "bundle",
    purpose: "bundle",
    nowMs,
  });
  const manifest = BundleManifest.safeParse(document);
  if (manifest.success) return { manifest: manifest.data, kid };
  const message = "The bundle's manifest has the wrong shape.";
  throw new Fault("invalid", "bundle.manifest", message, { cause: manifest.error });
}

function requireCurrent(manifest: BundleManifest, { tenant, revisionMin, nowMs }: OpenOptions): void {
  if (manifest.tenant !== tenant) {
    throw new Fault("forbidden", "bundle.tenant", "The bundle belongs to another tenant.");
  }
  if (manifest.revision < revisionMin) {
    const message = `The bundle's revision ${manifest.revision} is lower than ${revisionMin}.`;
    throw new Fault("precondition", "bundle.revision", message);
  }
  if (Date.parse(manifest.expires_at) <= nowMs) {
    throw new Fault("precondition", "bundle.expired", `The bundle expired at ${manifest.expires_at}.`);
  }
}

/** The files are exactly those of the manifest, each listed once and with its own size and hash. */
function requireListedFiles(manifest: BundleManifest, files: Files): void {
  const proved = manifest.files.every(({ path, size_bytes, sha256: hash }) => {
    const content = files.get(path);
    return content?.byteLength === size_bytes && sha256(content) === hash;
  });
  const listed = new Set([MANIFEST_PATH, ...manifest.files.map((file) => file.path)]);
  const complete = listed.size === manifest.files.length + 1 && listed.size === files.size;
  if (proved && complete && [...listed].every(isKnownPath)) return;
  throw new Fault("invalid", "bundle.files", "The bundle's files are not those of its manifest.");
}

function isKnownPath(path: string): boolean {
  if ([MANIFEST_PATH, WASM_PATH, DATA_PATH].includes(path)) return true;
  return path.startsWith(SOURCE_FOLDER) && path.endsWith(".rego") && !/(^|\/)(\.|\/)/.test(path);
}

function fileOf(files: Files, path: string): Uint8Array {
  const content = files.get(path);
  if (content !== undefined) return content;
  throw new Fault("invalid", "bundle.files", `The bundle has no ${path}.`);
}

function readData(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString("utf8");
  try {
    const data: unknown = JSON.parse(text);
    if (typeof data === "object" && data !== null && !Array.isArray(data)) return text;
  } catch {
    // Not JSON at all is the same refusal.
  }
  throw new Fault("invalid", "bundle.data", "The policy's data is not a JSON object.");
}

function readSources(files: Files): Readonly<Record<string, string>> {
  const sources = [...files].filter(([path]) => path.startsWith(SOURCE_FOLDER));
  return Object.fromEntries(
    sources.map(([path, bytes]) => [path.slice(SOURCE_FOLDER.length), Buffer.from(bytes).toString("utf8")]),
  );
}
