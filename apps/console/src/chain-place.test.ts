import assert from "node:assert/strict";
import { test } from "node:test";
import { chainEntry, exportCheckpointLine, exportLine } from "@postern/audit";
import { findPlace, hashOf } from "./chain-place.ts";
import { sampleEvent } from "./event.fixture.ts";

const first = chainEntry(0, "0".repeat(64), sampleEvent({ event_id: "e1" }));
const hostile = sampleEvent({
  event_id: "e2",
  reason: `","hash":"${"0".repeat(64)}","index":9,"prev_hash":"`,
});
const second = chainEntry(1, first.hash, hostile);
const exported = `${exportLine(first)}${exportLine(second)}${exportCheckpointLine("a note\n")}`;

test("an event is found in an export, and its hash is the log's own", async () => {
  for (const entry of [first, second]) {
    const place = findPlace(exported, entry.event.event_id);
    assert.ok(place !== undefined);
    const { index, hash, prevHash } = place;
    assert.deepEqual([index, hash, prevHash], [entry.index, entry.hash, entry.prev_hash]);
    assert.equal(await hashOf(place, crypto.subtle), entry.hash);
  }
});

test("a changed event has another hash", async () => {
  const place = findPlace(exported.replace("not listed", "not  listed"), "e1");
  assert.ok(place !== undefined);
  assert.notEqual(await hashOf(place, crypto.subtle), place.hash);
});

test("what is not there, or not an export, is not found", () => {
  for (const text of ["", "\n", "{}", '{"event":{broken},"hash":"', exported]) {
    assert.equal(findPlace(text, "e3"), undefined);
  }
});
