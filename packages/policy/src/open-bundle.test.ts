import assert from "node:assert/strict";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import type { BundleManifest } from "@postern/contracts";
import { createKeySet, seal } from "@postern/signing";
import fc from "fast-check";
import { type Header, pack } from "tar-stream";
import { MANIFEST_PATH, packBundle, sha256, WASM_PATH } from "./bundle.ts";
import { type CompiledPolicy, compileRego } from "./compile.ts";
import { opaFor } from "./opa.fixture.ts";
import { type OpenOptions, openBundle } from "./open-bundle.ts";
import { OPENED_AT_MS, policyText, signer, stamps } from "./policy.fixture.ts";
import { packTar, type TarFile, unpackTar } from "./tar.ts";

const SOURCE = policyText(`decision := {"allow": input.tool == "a"}`);

/** A good bundle and everything that is needed to make bad ones. */
async function workshop(opaPath: string) {
  const { key, keys } = await signer("bundle");
  const compiled = await compileRego({ source: SOURCE, data: { limit: 1 }, opaPath });
  const { bytes, digest, manifest } = await packBundle({ ...stamps({ revision: 7 }), compiled, key });
  const options: OpenOptions = { keys, tenant: "acme", revisionMin: 7, nowMs: OPENED_AT_MS };
  const files = await unpackTar(bytes);
  const open = (given: Uint8Array, changes: Partial<OpenOptions> = {}) =>
    openBundle(given, { ...options, ...changes });
  /** The bundle with other files and a manifest that is honest about them, signed like a good one. */
  const resealed = async (change: (file: TarFile) => TarFile | undefined, describe = (m: object) => m) => {
    const others = files.filter((file) => file.path !== MANIFEST_PATH).flatMap((file) => change(file) ?? []);
    const listed = others.map((file) => ({
      path: file.path,
      size_bytes: file.bytes.byteLength,
      sha256: sha256(file.bytes),
    }));
    const document = describe({ ...manifest, files: listed }) as BundleManifest;
    const sealed = await seal(document, { key, purpose: "bundle" });
    return packTar([{ path: MANIFEST_PATH, bytes: Buffer.from(sealed) }, ...others]);
  };
  return { bytes, digest, manifest, files, key, keys, compiled, open, resealed };
}

const same = (file: TarFile) => file;

test("a good bundle opens to what was packed", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const { bytes, digest, manifest, key, open } = await workshop(opaPath);
  const opened = await open(bytes, { digest });
  assert.deepEqual(opened.manifest, manifest);
  assert.deepEqual(opened.pointer, { revision: 7, digest, kid: key.kid, expires_at: manifest.expires_at });
  assert.equal(opened.dataJson, `{"limit":1}`);
  assert.deepEqual(opened.sources, { "policy.rego": SOURCE });
  assert.deepEqual(opened.manifest.input_paths, ["tool"]);
});

test("the same policy packed twice has the same digest", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const { digest, compiled, key } = await workshop(opaPath);
  assert.equal((await packBundle({ ...stamps({ revision: 7 }), compiled, key })).digest, digest);
});

test("a bundle that cannot be described is not packed", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const { compiled, key } = await workshop(opaPath);
  const bad: [Partial<CompiledPolicy>, Parameters<typeof stamps>[0]][] = [
    [{}, { revision: 0 }],
    [{}, { tenant: "Acme" }],
    [{}, { expiresAt: "tomorrow" }],
    [{ sources: Object.fromEntries(Array.from({ length: 15 }, (_, i) => [`p${i}.rego`, ""])) }, {}],
  ];
  for (const [policy, stamp] of bad) {
    const request = { ...stamps(stamp), compiled: { ...compiled, ...policy }, key };
    await assert.rejects(packBundle(request), { code: "bundle.manifest" }, JSON.stringify(stamp));
  }
});

test("no flip of a bit opens", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const { bytes, open } = await workshop(opaPath);
  const flips = fc.tuple(fc.nat(bytes.byteLength - 1), fc.nat(7));
  await fc.assert(
    fc.asyncProperty(flips, async ([at, bit]) => {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << bit), at);
      await assert.rejects(open(flipped), { name: "Fault" });
    }),
    { numRuns: 150, examples: [[[0, 0]], [[bytes.byteLength - 1, 7]]] },
  );
});

test("a bundle without its signature, or signed by somebody else, does not open", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const { bytes, files, manifest, compiled, keys, open } = await workshop(opaPath);
  const others = files.filter((file) => file.path !== MANIFEST_PATH);
  const withManifest = (text: string) =>
    packTar([{ path: MANIFEST_PATH, bytes: Buffer.from(text) }, ...others]);
  const { key: stranger } = await signer("bundle");
  const wrongPurpose = await seal(manifest, { key: stranger, purpose: "state" });
  const cases: [string, Uint8Array, string][] = [
    ["stripped", await packTar(others), "bundle.unsigned"],
    ["empty", await withManifest(""), "signing.malformed"],
    ["too long", await withManifest("x".repeat(600_000)), "bundle.unsigned"],
    ["plain manifest", await withManifest(JSON.stringify(manifest)), "signing.malformed"],
    ["stranger", (await packBundle({ ...stamps(), compiled, key: stranger })).bytes, "signing.unknown_key"],
    ["other purpose", await withManifest(wrongPurpose), "signing.unknown_key"],
  ];
  for (const [name, bad, code] of cases) {
    await assert.rejects(open(bad), { kind: "unauthenticated", code }, name);
  }
  const asState = createKeySet(keys.keys.map((key) => ({ ...key, use: "state" })));
  await assert.rejects(open(bytes, { keys: asState }), { code: "signing.unknown_key" });
});

test("a seal of another purpose by the right key does not open", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const { files, manifest, key, open } = await workshop(opaPath);
  const sealed = await seal(manifest, { key, purpose: "state" });
  const bytes = await packTar(
    files.map((file) => (file.path === MANIFEST_PATH ? { ...file, bytes: Buffer.from(sealed) } : file)),
  );
  await assert.rejects(open(bytes), { code: "signing.signature" });
});

test("an older revision, another tenant's and an expired bundle do not open", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const { bytes, manifest, open } = await workshop(opaPath);
  const expiresAtMs = Date.parse(manifest.expires_at);
  await assert.rejects(open(bytes, { revisionMin: 8 }), { kind: "precondition", code: "bundle.revision" });
  await assert.rejects(open(bytes, { tenant: "other" }), { kind: "forbidden", code: "bundle.tenant" });
  await assert.rejects(open(bytes, { nowMs: expiresAtMs }), { kind: "precondition", code: "bundle.expired" });
  await open(bytes, { nowMs: expiresAtMs - 1, revisionMin: 6 });
});

test("a bundle other than the one asked for does not open", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const { bytes, open } = await workshop(opaPath);
  await assert.rejects(open(bytes, { digest: "0".repeat(64) }), { code: "bundle.digest" });
});

test("files that are not those of the manifest do not open", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const { files, open, resealed } = await workshop(opaPath);
  const swapped = files.map((file) =>
    file.path === "data.json" ? { ...file, bytes: Buffer.from(`{"limit":2}`) } : file,
  );
  const extra = [...files, { path: "source/extra.rego", bytes: Buffer.from("package x") }];
  const twiceListed = (document: object) => {
    const { files: listed } = document as BundleManifest;
    return { ...document, files: [...listed, ...listed.slice(0, 1)] };
  };
  const cases: [string, Uint8Array][] = [
    ["a changed file", await packTar(swapped)],
    ["an unsigned file more", await packTar(extra)],
    ["a file less", await packTar(files.filter((file) => file.path !== "data.json"))],
    ["no module, honestly", await resealed((file) => (file.path === WASM_PATH ? undefined : file))],
    ["a file listed twice", await resealed(same, twiceListed)],
  ];
  for (const [name, bad] of cases) await assert.rejects(open(bad), { code: "bundle.files" }, name);
});

test("a path that leads elsewhere does not open, even when it is signed", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const { open, resealed } = await workshop(opaPath);
  const paths = [
    "../policy.rego",
    "/etc/passwd",
    "source/../policy.wasm",
    "source/.rego",
    "source//a.rego",
    "a.rego",
  ];
  for (const path of paths) {
    const bad = await resealed((file) => (file.path === "source/policy.rego" ? { ...file, path } : file));
    await assert.rejects(open(bad), { code: "bundle.files" }, path);
  }
});

test("an archive that another reader could take differently does not open", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const { bytes, files, open } = await workshop(opaPath);
  const fixed: Partial<Header> = { mode: 0o644, mtime: new Date(0), uid: 0, gid: 0, type: "file" };
  const packed = async (entries: readonly TarFile[], changes: Partial<Header> = {}) => {
    const archive = pack();
    for (const { path, bytes: content } of entries) {
      const header = { name: path, ...fixed, ...changes };
      if (header.type === "file") archive.entry(header, Buffer.from(content));
      else archive.entry(header);
    }
    archive.finalize();
    return buffer(archive);
  };
  const sorted = files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  assert.deepEqual(await packed(sorted), bytes, "the cases below differ from a good bundle in one point");
  const cases: [string, Uint8Array][] = [
    ["a duplicate entry", await packed([...sorted, ...sorted.slice(0, 1)])],
    ["another order", await packed(sorted.toReversed())],
    ["another mode", await packed(sorted, { mode: 0o755 })],
    ["another time", await packed(sorted, { mtime: new Date(1000) })],
    ["another owner", await packed(sorted, { uname: "root" })],
    ["links", await packed(sorted, { type: "symlink", linkname: "/etc/passwd" })],
    ["bytes behind the end", Buffer.concat([bytes, Buffer.alloc(512)])],
    ["a second archive behind the first", Buffer.concat([bytes, bytes])],
    ["a missing end", bytes.subarray(0, bytes.byteLength - 1024)],
    ["half of it", bytes.subarray(0, bytes.byteLength / 2)],
    ["nothing", new Uint8Array(0)],
    ["zeroes", new Uint8Array(1024)],
    ["compressed", gzipSync(bytes)],
  ];
  for (const [name, bad] of cases) {
    await assert.rejects(open(bad), (fault: { code?: string }) => {
      assert.match(String(fault.code), /^bundle\.(archive|unsigned)$/, name);
      return true;
    });
  }
});

test("a bundle that is too large is refused before it is read, and a compressed bomb is no archive", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const { bytes, open } = await workshop(opaPath);
  const oversize = Buffer.alloc(48 * 1024 * 1024 + 1);
  oversize.set(bytes);
  await assert.rejects(open(oversize), { kind: "too_large", code: "bundle.too_large" });
  await assert.rejects(open(gzipSync(Buffer.alloc(40_000_000))), { code: "bundle.archive" });
  const claims = Buffer.from(bytes);
  claims.write("77777777777\0", 124, "latin1");
  await assert.rejects(open(claims), { code: "bundle.archive" });
});

test("a manifest of another shape does not open, even when it is signed", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const { open, resealed } = await workshop(opaPath);
  const changes: object[] = [
    { capabilities_sha256: "ABC" },
    { capabilities_sha256: "A".repeat(64) },
    { format: "postern.bundle.v2" },
    { entrypoint: "other/decision" },
    { revision: "7" },
    { more: true },
    { expires_at: "never" },
  ];
  for (const change of changes) {
    const bad = await resealed(same, (document) => ({ ...document, ...change }));
    await assert.rejects(open(bad), { code: "bundle.manifest" }, JSON.stringify(change));
  }
});

test("data that is not a JSON object does not open, even when it is signed", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const { open, resealed } = await workshop(opaPath);
  for (const text of ["", "[]", "null", "{", `{"a":1} {"a":2}`]) {
    const bad = await resealed((file) =>
      file.path === "data.json" ? { ...file, bytes: Buffer.from(text) } : file,
    );
    await assert.rejects(open(bad), { code: "bundle.data" }, text);
  }
});

test("a module that is none, or reaches outside OPA's interface, does not open, even when it is signed", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const { files, open, resealed } = await workshop(opaPath);
  const good = Buffer.from(files.find((file) => file.path === WASM_PATH)?.bytes ?? []);
  const renamed = Buffer.from(good);
  renamed.write("opa_abHrt", renamed.indexOf("opa_abort"), "latin1");
  const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  const procedure = [0x01, 0x04, 0x01, 0x60, 0x00, 0x00];
  const imports = (from: string, name: string) => {
    const entry = [1, from.length, ...Buffer.from(from), name.length, ...Buffer.from(name), 0x00, 0x00];
    return Uint8Array.from([...header, ...procedure, 0x02, entry.length, ...entry]);
  };
  const cases: [string, Uint8Array, RegExp][] = [
    ["text", Buffer.from("not wasm"), /is not a WebAssembly module/],
    ["cut short", good.subarray(0, 5000), /is not a WebAssembly module/],
    [
      "a system call",
      imports("wasi_snapshot_preview1", "fd_write"),
      /imports wasi_snapshot_preview1\.fd_write/,
    ],
    ["an unknown import", imports("env", "evil"), /imports env\.evil/],
    ["a renamed import", renamed, /imports env\.opa_abHrt/],
    ["no exports", Uint8Array.from(header), /does not export builtins/],
  ];
  for (const [name, bytes, message] of cases) {
    const bad = await resealed((file) => (file.path === WASM_PATH ? { ...file, bytes } : file));
    await assert.rejects(open(bad), { code: "bundle.wasm", message }, name);
  }
});
