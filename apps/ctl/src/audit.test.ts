import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { buildEvent, chainEntry, createTree, exportLine, signCheckpoint, ZERO_HASH } from "@postern/audit";
import { generateKeyPair, importSigningKey } from "@postern/signing";
import { temporaryDirectory } from "@postern/testkit";
import { postern, posternJson } from "./cli.fixture.ts";

const ORIGIN = "postern.example/acme";
const key = await importSigningKey((await generateKeyPair()).secretKey);
const EVENTS = 5;

/** An export of a few events, and a signed checkpoint over all of them. */
async function makeLog() {
  const tree = createTree();
  const lines: string[] = [];
  let previous = ZERO_HASH;
  for (let index = 0; index < EVENTS; index += 1) {
    const event = buildEvent({
      ts: "2026-01-01T00:00:00.000Z",
      event: "intentgate.tool_call",
      decision: "allow",
      tenant: "acme",
      tool: "read_invoice",
      event_id: `e${index}`,
      outcome: "executed",
    });
    const entry = chainEntry(index, previous, event);
    previous = entry.hash;
    tree.append(Buffer.from(entry.hash, "hex"));
    lines.push(exportLine(entry));
  }
  const checkpoint = await signCheckpoint({ origin: ORIGIN, size: EVENTS, rootHash: tree.root(), key });
  return { lines, checkpoint };
}
const log = await makeLog();

test("audit verify accepts an untouched export, from standard input too", async () => {
  const { code, json } = await posternJson(["audit", "verify", "-"], { input: log.lines.join("") });
  assert.equal(code, 0);
  assert.equal(json.verified, true);
  assert.equal(json.events_checked, EVENTS);
});

test("audit verify holds an export against a signed checkpoint", async (t) => {
  const folder = temporaryDirectory(t);
  writeFileSync(join(folder, "export.ndjson"), log.lines.join(""));
  writeFileSync(join(folder, "checkpoint"), log.checkpoint);
  const args = ["audit", "verify", join(folder, "export.ndjson"), "--checkpoint", join(folder, "checkpoint")];
  const { code, stdout } = await postern([...args, "--key", key.publicKey, "--origin", ORIGIN]);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /5 events/);
  assert.match(stdout, /matches, signed by the given key/);
  const other = await generateKeyPair();
  const refused = await postern([...args, "--key", other.publicKey, "--origin", ORIGIN]);
  assert.equal(refused.code, 1);
});

test("audit verify names the event whose bytes were changed", async () => {
  const input = log.lines.join("").replace(/("event_id":"e2".*?)read_invoice/, "$1read_invoicf");
  assert.notEqual(input, log.lines.join(""));
  const { code, json } = await posternJson(["audit", "verify", "-"], { input });
  assert.equal(code, 1);
  assert.equal(json.verified, false);
  assert.equal(json.first_broken_event_id, "e2");
  assert.equal(json.first_broken.index, 2);
});

test("audit verify finds an event that was taken out, and an end that was cut off", async (t) => {
  const without = [...log.lines.slice(0, 2), ...log.lines.slice(3)].join("");
  assert.equal((await postern(["audit", "verify", "-"], { input: without })).code, 1);
  const cut = log.lines.slice(0, 4).join("");
  assert.equal((await postern(["audit", "verify", "-"], { input: cut })).code, 0);
  const path = join(temporaryDirectory(t), "checkpoint");
  writeFileSync(path, log.checkpoint);
  const { code, json } = await posternJson(["audit", "verify", "-", "--checkpoint", path], { input: cut });
  assert.equal(code, 1);
  assert.equal(json.checkpoint.problem, "entries_missing");
});

test("audit verify accepts a stretch from the middle only when told to, and still finds a change in it", async () => {
  const stretch = log.lines.slice(2).join("");
  assert.equal((await postern(["audit", "verify", "-"], { input: stretch })).code, 1);
  const partial = ["audit", "verify", "-", "--partial"];
  assert.equal((await postern(partial, { input: stretch })).code, 0);
  assert.equal((await postern(partial, { input: log.lines.join("") })).code, 0);
  const changed = stretch.replace(/("event_id":"e3".*?)read_invoice/, "$1read_invoicf");
  assert.equal((await posternJson(partial, { input: changed })).json.first_broken_event_id, "e3");
});

test("audit verify refuses input that it cannot use with exit code 2", async () => {
  for (const args of [
    ["/nonexistent/export"],
    ["-", "--key", "nonsense", "--checkpoint", "/nonexistent"],
    ["--key", "x"],
  ]) {
    const { code, json } = await posternJson(["audit", "verify", ...args]);
    assert.equal(code, 2, JSON.stringify(json));
  }
  assert.equal((await postern(["audit", "verify", "-"], { input: "not an export\n" })).code, 1);
});
