// The disk fails at every possible operation: nothing that was promised is lost, nothing more is promised afterwards.
import assert from "node:assert/strict";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "@postern/testkit";
import { sampleDenial, sampleIntent, sampleOutcome } from "../sample-event.ts";
import type { SpoolDevice } from "./device.ts";
import { failingDevice } from "./failing-device.ts";
import { drain, hastyDevice, sampleSpool, titlesOf } from "./sample-spool.ts";
import type { Durability } from "./writer.ts";

/** Appends, rolls segments and acknowledges until something fails. Returns what was promised and what was refused. */
async function work(directory: string, device: SpoolDevice, durability: Durability) {
  const promised: number[] = [];
  const refused: number[] = [];
  const options = { directory, device, durability, segmentBytesMax: 2500 };
  const spool = await sampleSpool({ after: () => {} }, options).catch(() => undefined);
  if (spool === undefined) return { promised, refused, covered: 0 };
  let covered = 0;
  for (let turn = 0; turn < 4; turn += 1) {
    const numbers = [0, 1, 2].map((at) => turn * 3 + at + 1);
    const appends = numbers.map((number) =>
      spool.append(sampleDenial(number)).then(
        () => promised.push(number),
        () => refused.push(number),
      ),
    );
    await Promise.all(appends);
    if (turn === 2) {
      // Even when it fails, it may have been stored before.
      covered = 4;
      await spool.acknowledge({ epoch: 1, covered }).catch(() => {});
    }
  }
  const failure = spool.failure();
  if (failure !== undefined) {
    assert.equal(failure.code, "audit.spool_failed");
    await assert.rejects(spool.append(sampleDenial(99)), failure);
    await assert.rejects(spool.acknowledge({ epoch: 1, covered: 1 }), failure);
  } else {
    assert.deepEqual(refused, []);
  }
  await spool.close().catch(() => {});
  return { promised, refused, covered };
}

for (const durability of ["os", "disk"] as const) {
  test(`an error of any disk operation closes the spool for good and loses nothing promised (${durability})`, async (t) => {
    let failures = 0;
    for (let at = 1; ; at += 1) {
      const { device, operations } = failingDevice(at, at % 2 === 0 ? "EIO" : "ENOSPC");
      const directory = temporaryDirectory(t);
      const { promised, refused, covered } = await work(directory, device, durability);
      const spool = await sampleSpool({ after: () => {} }, { directory, epoch: 2, device: hastyDevice });
      const kept = new Set(titlesOf(await drain(spool)).map((title) => Number(title.split("-")[1])));
      await spool.close();
      for (const number of promised)
        assert.ok(kept.has(number) || number <= covered, `operation ${at}: ${number} is lost`);
      for (const { unfinished } of spool.recovery.setAside) assert.ok(unfinished, `operation ${at}`);
      // What is refused may only be found again if its bytes were written and the sync failed.
      if (durability === "os")
        assert.ok(
          refused.every((number) => !kept.has(number)),
          `operation ${at}`,
        );
      if (refused.length > 0) failures += 1;
      if (operations() < at) break;
    }
    assert.ok(failures > 8, `${failures}`);
  });
}

test("on a disk without room the refused batch leaves nothing behind, and the spool opens again once there is room", async (t) => {
  const directory = temporaryDirectory(t);
  let room = 12_000;
  const device: SpoolDevice = {
    ...hastyDevice,
    write(fd, bytes, start) {
      const fits = Math.min(room, bytes.length - start);
      if (fits === 0) throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
      room -= fits;
      return hastyDevice.write(fd, bytes.subarray(start, start + fits), 0);
    },
  };
  const spool = await sampleSpool(t, { directory, device });
  let accepted = 0;
  const full = { kind: "unavailable", code: "audit.spool_failed" };
  await assert.rejects(async () => {
    for (;;) {
      await spool.append(sampleIntent(accepted));
      accepted += 1;
    }
  }, full);
  await assert.rejects(spool.append(sampleOutcome(0)), full);
  await spool.close();
  room = 1_000_000;
  const again = await sampleSpool(t, { directory, epoch: 2, device });
  assert.deepEqual(again.recovery, { setAside: [], missing: [], closedIntents: accepted, cursorLost: false });
  assert.equal((await drain(again)).length, 2 * accepted);
});

test("a record is not promised when the spool fails while its sync is under way", async (t) => {
  const directory = temporaryDirectory(t);
  const syncs: (() => void)[] = [];
  let holds = false;
  const device: SpoolDevice = {
    ...hastyDevice,
    sync: () => (holds ? new Promise<void>((resolve) => syncs.push(resolve)) : Promise.resolve()),
    rename(from, to) {
      if (holds) throw Object.assign(new Error("EIO: rename"), { code: "EIO" });
      hastyDevice.rename(from, to);
    },
  };
  const spool = await sampleSpool({ after: () => {} }, { directory, device, durability: "disk" });
  await spool.append(sampleDenial(1));
  holds = true;
  const appended = spool.append(sampleDenial(2));
  appended.catch(() => {});
  while (syncs.length < 1) await new Promise(setImmediate);
  const acknowledged = spool.acknowledge({ epoch: 1, covered: 1 });
  acknowledged.catch(() => {});
  while (syncs.length < 2) await new Promise(setImmediate);
  syncs[1]?.();
  await assert.rejects(acknowledged, { code: "audit.spool_failed" });
  syncs[0]?.();
  await assert.rejects(appended, { code: "audit.spool_failed" });
  await spool.close();
  const again = await sampleSpool(t, { directory, epoch: 2, device: hastyDevice });
  assert.deepEqual(titlesOf(await drain(again)), ["1/1 event event-1"]);
});

const REMOVALS: readonly [what: string, remove: (directory: string) => void][] = [
  ["removed", (directory) => rmSync(directory, { recursive: true })],
  ["moved away", (directory) => renameSync(directory, `${directory}.old`)],
  [
    "replaced by another file",
    (directory) => {
      const path = join(directory, "000000000001-0000000000000001.segment");
      rmSync(path);
      writeFileSync(path, "");
    },
  ],
];
for (const durability of ["os", "disk"] as const)
  for (const [what, remove] of REMOVALS) {
    test(`nothing is promised of a spool that was ${what} while it is open (${durability})`, async (t) => {
      const directory = join(temporaryDirectory(t), "spool");
      const spool = await sampleSpool(t, { directory, durability });
      await spool.append(sampleDenial(1));
      assert.equal(spool.failure(), undefined);
      remove(directory);
      await assert.rejects(spool.append(sampleDenial(2)), { code: "audit.spool_failed" });
      assert.equal(spool.failure()?.code, "audit.spool_failed");
      await assert.rejects(spool.append(sampleDenial(3)), { code: "audit.spool_failed" });
    });
  }

test("a spool that was removed is noticed by whoever asks for its health or reads it, without an append", async (t) => {
  for (const notice of ["failure", "read"] as const) {
    const directory = join(temporaryDirectory(t), "spool");
    const spool = await sampleSpool(t, { directory });
    await spool.append(sampleDenial(1));
    rmSync(directory, { recursive: true });
    if (notice === "read")
      await assert.rejects(spool.read({ epoch: 0, sequence: 0 }, 10), { code: "audit.spool_failed" });
    assert.equal(spool.failure()?.code, "audit.spool_failed");
  }
});
