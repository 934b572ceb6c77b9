import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  buildEvent,
  chainEntry,
  createTree,
  exportCheckpointLine,
  exportLine,
  signCheckpoint,
  ZERO_HASH,
} from "@postern/audit";
import { generateKeyPair, importSigningKey } from "@postern/signing";
import { temporaryDirectory } from "@postern/testkit";
import { postern, posternJson } from "./cli.fixture.ts";

const ORIGIN = "postern.example/acme";
const key = await importSigningKey((await generateKeyPair()).secretKey);
const EVENTS = 5;

/** An export of a few events, and a signed checkpoint over the first `signed` of them. */
async function makeLog({ tools = "read_invoice", signed = EVENTS } = {}) {
  const tree = createTree();
  const lines: string[] = [];
  let previous = ZERO_HASH;
  let checkpoint = "";
  const sign = async () => {
    if (tree.size !== signed) return;
    checkpoint = await signCheckpoint({ origin: ORIGIN, size: signed, rootHash: tree.root(), key });
  };
  await sign();
  for (let index = 0; index < EVENTS; index += 1) {
    const event = buildEvent({
      ts: "2026-01-01T00:00:00.000Z",
      event: "intentgate.tool_call",
      decision: "allow",
      tenant: "acme",
      tool: tools,
      event_id: `e${index}`,
      outcome: "executed",
    });
    const entry = chainEntry(index, previous, event);
    previous = entry.hash;
    tree.append(Buffer.from(entry.hash, "hex"));
    lines.push(exportLine(entry));
    await sign();
  }
  return { lines, checkpoint };
}
const log = await makeLog();

test("audit verify accepts an untouched export, from standard input too", async () => {
  const { code, json } = await posternJson(["audit", "verify", "-"], { input: log.lines.join("") });
  assert.equal(code, 0);
  const { verified, signature, covered_events, checkpoint, events_checked } = json;
  assert.deepEqual(
    { verified, signature, covered_events, checkpoint, events_checked },
    { verified: true, signature: "none", covered_events: 0, checkpoint: null, events_checked: EVENTS },
  );
});

test("audit verify without a key says in words that nothing was proven to be signed", async () => {
  const line = exportCheckpointLine(log.checkpoint);
  for (const input of [log.lines.join(""), log.lines.join("") + line]) {
    const { code, stdout } = await postern(["audit", "verify", "-"], { input });
    assert.equal(code, 0);
    assert.match(stdout, /consistent with itself/);
    assert.match(stdout, /Nothing was proven to be signed/);
    assert.doesNotMatch(stdout, /holds/);
  }
  const { json } = await posternJson(["audit", "verify", "-"], { input: log.lines.join("") + line });
  assert.deepEqual([json.verified, json.signature, json.covered_events], [true, "not_checked", 0]);
});

test("audit verify with a key believes only what the key signed, and names the first event that it did not", async () => {
  const rewritten = await makeLog({ tools: "delete_invoice" });
  const early = await makeLog({ signed: 4 });
  const line = exportCheckpointLine(log.checkpoint);
  const pinned = ["audit", "verify", "-", "--key", key.publicKey, "--origin", ORIGIN];
  const yes = await posternJson(pinned, { input: log.lines.join("") + line });
  assert.equal(yes.code, 0);
  assert.deepEqual([yes.json.signature, yes.json.covered_events], ["verified", EVENTS]);
  const cases: [what: string, input: string, eventId: string, words: RegExp, args?: string[]][] = [
    ["rewritten, checkpoint removed", rewritten.lines.join(""), "e0", /nothing here is signed by that key/],
    ["cut, checkpoint removed", log.lines.slice(0, 3).join(""), "e0", /nothing here is signed by that key/],
    [
      "an event after the checkpoint",
      [...early.lines.slice(0, 4), exportCheckpointLine(early.checkpoint), early.lines[4]].join(""),
      "e4",
      /what that key signed ends after 4 of 5 events/,
    ],
    ["called partial, but whole", rewritten.lines.join(""), "e0", /nothing here is signed/, ["--partial"]],
  ];
  for (const [what, input, eventId, words, args = []] of cases) {
    const { code, json } = await posternJson([...pinned, ...args], { input });
    assert.deepEqual([code, json.verified], [1, false], what);
    assert.equal(json.first_uncovered.event_id, eventId, what);
    const { stdout } = await postern([...pinned, ...args], { input });
    assert.match(stdout, words, what);
    assert.ok(stdout.includes(`event ${eventId}`), what);
  }
  const stretch = await postern([...pinned, "--partial"], { input: rewritten.lines.slice(2).join("") });
  assert.equal(stretch.code, 2);
  assert.match(stretch.stderr, /Export the whole chain/);
});

test("audit verify refuses a file that is empty or no NDJSON export with exit code 2", async () => {
  const empty = await makeLog({ signed: 0 });
  const pinned = ["audit", "verify", "-", "--key", key.publicKey, "--origin", ORIGIN];
  for (const args of [["audit", "verify", "-"], pinned]) {
    const nothing = await postern(args, { input: "" });
    assert.equal(nothing.code, 2);
    assert.match(nothing.stderr, /empty/);
    const csv = await postern(args, { input: "ts,event,schema_version\n2026-01-01,x,v4\n" });
    assert.equal(csv.code, 2);
    assert.match(csv.stderr, /not an NDJSON export/);
    const line = exportCheckpointLine(empty.checkpoint);
    assert.equal((await postern(args, { input: line })).code, 0);
  }
});

test("audit verify holds an export against a signed checkpoint", async (t) => {
  const folder = temporaryDirectory(t);
  writeFileSync(join(folder, "export.ndjson"), log.lines.join(""));
  writeFileSync(join(folder, "checkpoint"), log.checkpoint);
  const args = ["audit", "verify", join(folder, "export.ndjson"), "--checkpoint", join(folder, "checkpoint")];
  const { code, stdout } = await postern([...args, "--key", key.publicKey, "--origin", ORIGIN]);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /5 events/);
  assert.match(stdout, /checkpoint of postern\.example\/acme, which the given key signed/);
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
  const loose = log.lines.join("").replace(`"event_id":"e3"`, `"event_id": "e3"`);
  assert.equal(
    (await posternJson(["audit", "verify", "-"], { input: loose })).json.first_broken_event_id,
    "e3",
  );
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
    ["-", "--key", "nonsense"],
    ["-", "--origin", ORIGIN],
    ["--key", "x"],
    ["--partial"],
  ]) {
    const { code, json } = await posternJson(["audit", "verify", ...args], { input: log.lines.join("") });
    assert.equal(code, 2, JSON.stringify(json));
  }
});
