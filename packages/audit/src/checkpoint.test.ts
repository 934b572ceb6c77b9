import assert from "node:assert/strict";
import { test } from "node:test";
import { importSigningKey } from "@postern/signing";
import fc from "fast-check";
import { parseCheckpoint, signCheckpoint, verifyCheckpoint } from "./checkpoint.ts";
import { printVerifierKey, readVerifierKey } from "./note.ts";

// The key pair of RFC 8032 §7.1, test 1.
const secretKey =
  "k4.secret.nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL_tPJZAc6DuFy89qmIyWvAhpo9wdRGg";
const key = await importSigningKey(secretKey);
const origin = "postern.example/tenants/acme";
const rootHash = Buffer.alloc(32, 0xab);
const note = await signCheckpoint({ origin, size: 42, rootHash, key });
const verifierKey = printVerifierKey({ name: origin, publicKey: key.publicKey });

test("a checkpoint has exactly the published text", () => {
  const lines = note.split("\n");
  assert.deepEqual(lines.slice(0, 4), [origin, "42", rootHash.toString("base64"), ""]);
  assert.match(lines[4] ?? "", /^— postern\.example\/tenants\/acme [A-Za-z0-9+/]{91}=$/);
  assert.equal(lines.length, 6);
  assert.equal(
    verifierKey,
    "postern.example/tenants/acme+59d538f3+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea",
  );
});

test("a checkpoint verifies with either form of the pinned key", async () => {
  const checkpoint = { origin, size: 42, rootHash, extensions: [] };
  assert.deepEqual(await verifyCheckpoint(note, { publicKey: verifierKey }), { ok: true, checkpoint });
  assert.deepEqual(await verifyCheckpoint(note, { publicKey: key.publicKey, origin }), {
    ok: true,
    checkpoint,
  });
  assert.deepEqual(parseCheckpoint(note), checkpoint);
});

test("the empty log has a checkpoint too", async () => {
  const empty = await signCheckpoint({ origin, size: 0, rootHash, key });
  assert.equal(parseCheckpoint(empty).size, 0);
});

test("signature lines of other keys are ignored, wherever they stand", async () => {
  const [text = "", signatures = ""] = note.split("\n\n");
  const witness = `— witness.example/w1 ${Buffer.alloc(80, 3).toString("base64")}\n`;
  const sameName = `— ${origin} ${Buffer.alloc(68, 3).toString("base64")}\n`;
  for (const lines of [witness + signatures, signatures + witness, sameName + signatures]) {
    assert.ok((await verifyCheckpoint(`${text}\n\n${lines}`, { publicKey: verifierKey })).ok);
  }
  const verdict = await verifyCheckpoint(`${text}\n\n${witness}`, { publicKey: verifierKey });
  assert.equal(verdict.ok ? "" : verdict.problem, "unsigned");
});

test("a second line of the pinned key that does not verify spoils the checkpoint", async () => {
  const [, line = ""] = note.trimEnd().split(/\n(?=—)/);
  const bytes = Buffer.from(line.split(" ").at(-1) ?? "", "base64");
  bytes[10] = (bytes[10] ?? 0) ^ 1;
  const verdict = await verifyCheckpoint(`${note}— ${origin} ${bytes.toString("base64")}\n`, {
    publicKey: verifierKey,
  });
  assert.equal(verdict.ok ? "" : verdict.problem, "bad_signature");
});

test("a checkpoint of another log is refused even if its key is the pinned one", async () => {
  const verdict = await verifyCheckpoint(note, {
    publicKey: key.publicKey,
    origin: "postern.example/tenants/other",
  });
  assert.equal(verdict.ok ? "" : verdict.problem, "wrong_origin");
});

test("no changed byte of a checkpoint verifies", async () => {
  const bytes = Buffer.from(note);
  const changes = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }));
  await fc.assert(
    fc.asyncProperty(changes, async ([at, mask]) => {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ mask;
      assert.ok(!(await verifyCheckpoint(changed.toString(), { publicKey: verifierKey })).ok);
    }),
    { numRuns: 300 },
  );
});

test("malformed checkpoints are refused, with what is wrong", async () => {
  const root = rootHash.toString("base64");
  const signature = note.slice(note.indexOf("—"));
  const bodies = [
    `${origin}\n042\n${root}\n`,
    `${origin}\n-1\n${root}\n`,
    `${origin}\n+1\n${root}\n`,
    `${origin}\n9007199254740993\n${root}\n`,
    `${origin}\n18446744073709551616\n${root}\n`,
    `${origin}\n42\n${root.slice(0, -4)}\n`,
    `${origin}\n42\n${root.replace("=", "")}\n`,
    `${origin}\n42\n${root.slice(0, -2)}t=\n`,
    `${origin}\n42\n`,
    `\n42\n${root}\n`,
    `${origin}\n42\n${root}\n\n`,
    `${origin}\r\n42\r\n${root}\r\n`,
    `${origin}\n42\n${root}\nextension\u0000\n`,
  ];
  const notes = bodies
    .map((body) => `${body}\n${signature}`)
    .concat([
      "",
      "\n",
      "\n\n",
      note.slice(0, -1),
      `${note}\n`,
      note.replace("—", "-"),
      note.replace("— ", "—  "),
      note.replace(/=\n$/, "\n"),
      `${origin}\n42\n${root}\n\n— a+b AAAAAAAA\n`,
      `${origin}\n42\n${root}\n\n— name AAAA\n`,
      `${origin}\n42\n${root}\n\n${"— name AAAAAAAA\n".repeat(101)}`,
      `${note}\ud800`,
    ]);
  for (const bad of notes) {
    assert.throws(() => parseCheckpoint(bad), { code: "audit.checkpoint" }, JSON.stringify(bad));
    const verdict = await verifyCheckpoint(bad, { publicKey: verifierKey });
    assert.equal(verdict.ok ? "" : verdict.problem, "malformed");
  }
});

test("extension lines are read", () => {
  const extended = note.replace("\n\n", "\nextension 1\nextension 2\n\n");
  assert.deepEqual(parseCheckpoint(extended).extensions, ["extension 1", "extension 2"]);
});

test("a checkpoint that nobody could read is not signed", async () => {
  const good = { origin, size: 1, rootHash, key };
  const bad = [
    { origin: "" },
    { origin: "a b" },
    { origin: "a+b" },
    { origin: "a\nb" },
    { size: -1 },
    { size: 0.5 },
    { rootHash: Buffer.alloc(31) },
  ];
  for (const fields of bad) {
    await assert.rejects(signCheckpoint({ ...good, ...fields }), { code: "audit.checkpoint" });
  }
});

test("verifier key text reads back, and nothing else does", () => {
  assert.deepEqual(readVerifierKey(verifierKey), { name: origin, publicKey: key.publicKey });
  const [name, hash, encoded = ""] = verifierKey.split("+", 3);
  const bad = [
    "",
    key.publicKey,
    verifierKey.slice(1),
    `${name}+00000000+${encoded}`,
    `${name}+${hash}+${encoded.slice(0, -4)}`,
    `${verifierKey} `,
    verifierKey.replace("+Add", "+Bdd"),
  ];
  for (const text of bad) assert.equal(readVerifierKey(text), undefined, text);
});

test("a pinned key that is no key is a fault, not a verdict", async () => {
  for (const pinned of [{ publicKey: "nonsense", origin }, { publicKey: key.publicKey }]) {
    await assert.rejects(verifyCheckpoint(note, pinned), { code: "audit.pinned_key" });
  }
});
