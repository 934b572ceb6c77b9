import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { importSigningKey } from "@postern/signing";
import { golden, repositoryRoot } from "@postern/testkit";
import { signCheckpoint } from "./checkpoint.ts";
import { exportCheckpointLine, exportLine } from "./export.ts";
import { rootOf } from "./merkle/tree.ts";
import { sampleChain } from "./sample-event.ts";
import { verifyExport } from "./verify-chain.ts";

const goldenFile = new URL("./export.golden.ndjson", import.meta.url);
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
  const [publicKey = ""] = /postern\.example\/tenants\/acme\+[^`]+/.exec(formats) ?? [];
  assert.ok((await verifyExport([readFileSync(goldenFile)], { publicKey })).verified);
});

test("the verifier printed in the documentation agrees with ours", async (t) => {
  const [, program = ""] = /```python\n(.*?)```/s.exec(formats) ?? [];
  if (spawnSync("python3", ["--version"]).status !== 0) {
    return t.skip("python3 is not installed: the documented verifier was not run");
  }
  const judge = (text: string) => spawnSync("python3", ["-c", program], { input: text, encoding: "utf8" });
  const text = readFileSync(goldenFile, "utf8");
  const { head } = await verifyExport([text]);
  assert.equal(judge(text).stdout.trim(), `3 ${head.hash} ${head.rootHash}`);
  const lines = text.split(/(?<=\n)/);
  const altered = [
    text.replace('"tool":"echo"', '"tool":"rm"'),
    lines.toSpliced(1, 1).join(""),
    lines.toSpliced(2, 1).join(""),
    text.replace('{"event":{', '{"event": {'),
    text.replace("\\n3\\n", "\\n2\\n"),
  ];
  for (const edited of altered) {
    assert.notEqual(edited, text);
    assert.notEqual(judge(edited).status, 0);
    assert.equal((await verifyExport([edited])).verified, false);
  }
});
