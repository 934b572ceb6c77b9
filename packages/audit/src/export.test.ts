import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { AuditEvent } from "@postern/contracts";
import { importSigningKey } from "@postern/signing";
import { golden, repositoryRoot } from "@postern/testkit";
import { chainEntry } from "./chain.ts";
import { signCheckpoint } from "./checkpoint.ts";
import { exportCheckpointLine, exportLine } from "./export.ts";
import { rootOf } from "./merkle/tree.ts";
import { sampleChain, sampleEvent } from "./sample-event.ts";
import { verifyExport } from "./verify-chain.ts";

const goldenFile = new URL("./export.golden.ndjson", import.meta.url);
const VERIFIER_KEY = /postern\.example\/tenants\/acme\+[^`]+/;
const formats = readFileSync(join(repositoryRoot, "docs", "formats.md"), "utf8");

test("the published export is exactly what is written today, and verifies with the published key", async () => {
  // The key pair of RFC 8032 §7.1, test 1.
  const key = await importSigningKey(
    "k4.secret.nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL_tPJZAc6DuFy89qmIyWvAhpo9wdRGg",
  );
  const chain = sampleChain(3);
  const rootHash = rootOf(chain.map(({ hash }) => Buffer.from(hash, "hex")));
  const note = await signCheckpoint({ origin: "postern.example/tenants/acme", size: 3, rootHash, key });
  golden(goldenFile, chain.map(exportLine).join("") + exportCheckpointLine(note));
  const [publicKey = ""] = VERIFIER_KEY.exec(formats) ?? [];
  assert.ok((await verifyExport([readFileSync(goldenFile)], { publicKey })).verified);
});

test("the verifier printed in the documentation agrees with ours", async (t) => {
  const [, program = ""] = /```python\n(.*?)```/s.exec(formats) ?? [];
  if (spawnSync("python3", ["--version"]).status !== 0) {
    return t.skip("python3 is not installed: the documented verifier was not run");
  }
  const judge = (text: string) =>
    spawnSync("python3", ["-O", "-c", program], { input: text, encoding: "utf8" });
  const text = readFileSync(goldenFile, "utf8");
  const lines = text.split(/(?<=\n)/);
  const verdict = judge(text);
  assert.equal(verdict.status, 0, verdict.stderr);
  assert.deepEqual(JSON.parse(lines.at(-1) ?? ""), { checkpoint: verdict.stdout });
  const [publicKey = ""] = VERIFIER_KEY.exec(formats) ?? [];
  const last = sampleChain(3).at(-1)?.hash ?? "";
  const foreign = chainEntry(3, last, sampleEvent(3, { tenant: "evil" }));
  const rootHash = rootOf([...sampleChain(3), foreign].map(({ hash }) => Buffer.from(hash, "hex")));
  const note = `postern.example/tenants/acme\n4\n${Buffer.from(rootHash).toString("base64")}\n\n— a AAAAAAAA\n`;
  const altered = [
    text.replace('"tool":"echo"', '"tool":"rm"'),
    lines.toSpliced(1, 1).join(""),
    lines.toSpliced(2, 1).join(""),
    text.replace('{"event":{', '{"event": {'),
    text.replace("\\n3\\n", "\\n2\\n"),
    // Chained soundly, but under no checkpoint; and of another tenant, under one that nobody signed.
    lines.slice(0, 3).join(""),
    text + exportLine(chainEntry(3, last, sampleEvent(3))),
    lines.slice(0, 3).join("") + exportLine(foreign) + exportCheckpointLine(note),
    "",
  ];
  for (const edited of altered) {
    assert.notEqual(edited, text);
    assert.notEqual(judge(edited).status, 0);
    assert.equal((await verifyExport([edited], { publicKey })).verified, false);
  }
});

test("the table of event fields in the documentation is that of the schema", () => {
  const table = /\| field \| value \| meaning \|\n\|---\|---\|---\|\n((?:\|.*\n)+)/.exec(formats)?.[1] ?? "";
  const rows = [...table.matchAll(/^\| `(\w+)` \| (.*?) \|/gm)].map(([, field = "", value = ""]) => ({
    field,
    value,
  }));
  const shape = AuditEvent.shape;
  assert.deepEqual(
    rows.map(({ field }) => field),
    Object.keys(shape).sort(),
  );
  for (const { field, value } of rows) {
    const accepts = (candidate: unknown) => shape[field as keyof typeof shape].safeParse(candidate).success;
    for (const [, option] of value.matchAll(/`(\w+)`/g)) assert.ok(accepts(option), field);
    const charsMax = Number(/^text, ([\d,]+)$/.exec(value)?.[1]?.replace(",", "") ?? Number.NaN);
    if (charsMax > 0) {
      assert.ok(accepts("x".repeat(charsMax)), field);
      assert.ok(!accepts("x".repeat(charsMax + 1)), field);
    }
    if (value === "boolean") assert.ok(accepts(true), field);
    if (value === "integer") assert.ok(accepts(0) && !accepts(-1) && !accepts(0.5), field);
  }
});
