import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryDirectory } from "@postern/testkit";
import { drain, sampleSpool } from "./sample-spool.ts";

const program = fileURLToPath(import.meta.resolve("./append-until-killed.ts"));

/** Runs the program until it has promised `linesMax` records, kills it in mid-flight, and returns what it had promised. */
async function promisedUntilKilled(args: readonly string[], linesMax: number): Promise<string[]> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  let lines = 0;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    lines += text.split("\n").length - 1;
    if (lines >= linesMax) child.kill("SIGKILL");
  });
  const [, signal] = await once(child, "close");
  assert.equal(signal, "SIGKILL");
  // A line that was cut short was not said.
  return output.split("\n").slice(0, -1);
}

test("every record that was promised before a SIGKILL is there afterwards, and every call has one end", async (t) => {
  const directory = temporaryDirectory(t);
  const promised: string[] = [];
  const durabilities = ["os", "disk", "os", "os", "disk", "os"];
  for (const [at, durability] of durabilities.entries()) {
    promised.push(...(await promisedUntilKilled([directory, `${at + 1}`, durability], 150 + 211 * at)));
  }
  const spool = await sampleSpool(t, { directory, epoch: durabilities.length + 1 });
  const records = await drain(spool);
  const kept = new Set(records.map(({ epoch, sequence, hash }) => `${epoch}/${sequence} ${hash}`));
  assert.deepEqual(
    promised.filter((line) => !kept.has(line)),
    [],
  );
  assert.ok(promised.length >= 2000, `${promised.length}`);
  assert.deepEqual(spool.recovery.missing, []);
  assert.ok(spool.recovery.setAside.every(({ unfinished }) => unfinished));

  const ends = new Map<string, number>();
  let unknown = 0;
  for (const { body } of records) {
    if (body.kind === "intent") ends.set(body.event.event_id, 0);
    if (body.kind !== "outcome") continue;
    ends.set(body.event_id, (ends.get(body.event_id) ?? Number.NaN) + 1);
    if (body.outcome === "unknown") unknown += 1;
  }
  assert.ok([...ends.values()].every((count) => count === 1));
  // At most the three calls that each of the killed processes had in flight.
  assert.ok(unknown <= 3 * durabilities.length, `${unknown}`);
});
