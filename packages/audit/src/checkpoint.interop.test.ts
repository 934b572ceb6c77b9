// An outside judge: golang.org/x/mod/sumdb, which verifies Go's own module log, must accept what we sign and prove.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import type { JsonValue } from "@postern/contracts";
import { generateKeyPair, importSigningKey } from "@postern/signing";
import { temporaryDirectory } from "@postern/testkit";
import { canonicalize } from "./canonical.ts";
import { entryBytes } from "./chain.ts";
import { signCheckpoint } from "./checkpoint.ts";
import { consistencyProof, inclusionProof, memoryNodes } from "./merkle/proof.ts";
import { rootOf } from "./merkle/tree.ts";
import { printVerifierKey } from "./note.ts";
import { sampleChain } from "./sample-event.ts";

const folder = join(import.meta.dirname, "..", "interop");
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

test("Go's note and tlog packages accept our checkpoint, entries and proofs, and refuse altered ones", async (t) => {
  const go = (...args: string[]) =>
    spawnSync("go", args, { cwd: folder, encoding: "utf8", timeout: 120_000 });
  if (go("version").status !== 0) return t.skip("go is not installed: our checkpoints were not judged by Go");
  const download = go("mod", "download");
  if (download.status !== 0) return t.skip(`golang.org/x/mod cannot be had: ${download.stderr}`);
  const executable = join(temporaryDirectory(t), "judge");
  const build = go("build", "-o", executable, ".");
  assert.equal(build.status, 0, build.stderr);
  const judge = (claims: JsonValue) =>
    spawnSync(executable, { input: JSON.stringify(claims), encoding: "utf8" }).stdout.trim();

  const claims = await sampleClaims(45);
  assert.equal(judge(claims), "ok");
  assert.match(judge({ ...claims, Note: claims.Note.replace("\n45\n", "\n44\n") }), /^note: /);
  const [first = "", ...others] = claims.Entries;
  assert.match(judge({ ...claims, Entries: [first.replace("e", "f"), ...others] }), /^entry 0: /);
  assert.match(judge({ ...claims, Roots: claims.Roots.toReversed() }), /^consistency from 1: /);
});

async function sampleClaims(size: number) {
  const origin = "postern.example/tenants/acme";
  const key = await importSigningKey((await generateKeyPair()).secretKey);
  const chain = sampleChain(size);
  const leaves = chain.map((entry) => Buffer.from(entry.hash, "hex"));
  const nodes = memoryNodes(leaves);
  const smaller = Array.from({ length: size - 1 }, (_, at) => at + 1);
  const consistency = smaller.map((oldSize) => consistencyProof(oldSize, size, nodes));
  const inclusion = chain.map((entry) => inclusionProof(entry.index, size, nodes));
  return {
    VerifierKey: printVerifierKey({ name: origin, publicKey: key.publicKey }),
    Note: await signCheckpoint({ origin, size, rootHash: rootOf(leaves), key }),
    Entries: chain.map(({ event, prev_hash }) =>
      base64(entryBytes(canonicalize(event as JsonValue), Buffer.from(prev_hash, "hex"))),
    ),
    Inclusion: (await Promise.all(inclusion)).map((proof) => proof.map(base64)),
    Consistency: (await Promise.all(consistency)).map((proof) => proof.map(base64)),
    Roots: smaller.map((oldSize) => base64(rootOf(leaves.slice(0, oldSize)))),
  };
}
