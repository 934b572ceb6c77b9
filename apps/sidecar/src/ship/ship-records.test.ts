import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { buildEvent } from "@postern/audit";
import { openSpool, type Spool } from "@postern/audit/spool";
import { type AuditBatch, type JsonObject, SpoolBody } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { createKeySet } from "@postern/signing";
import { createMetrics, silentLogger } from "@postern/telemetry";
import { defer, fixedClock, temporaryDirectory } from "@postern/testkit";
import { createAuthority } from "../authority.fixture.ts";
import type { Sleep } from "../timing.ts";
import { createShipper } from "./ship-records.ts";

const sample = {
  ts: "2026-01-01T00:00:00.000Z",
  event: "intentgate.tool_call",
  decision: "block",
  tenant: "acme",
  tool: "echo",
  outcome: "none",
} as const;

const eventBody = (id: string): SpoolBody => ({
  kind: "event",
  event: buildEvent({ ...sample, event_id: id }),
  args_salt: "",
});

const idsOf = ({ records }: AuditBatch): string[] =>
  records.map(({ body }) => {
    const parsed = SpoolBody.parse(body);
    return parsed.kind === "event" ? parsed.event.event_id : parsed.kind;
  });

type Acknowledge = (batch: AuditBatch) => Promise<string[]>;

async function createRig(t: TestContext, directory = join(temporaryDirectory(t), "spool"), epoch = 1) {
  const clock = fixedClock();
  const authority = await createAuthority(clock.nowMs);
  const spool = await openSpool({ directory, sidecarId: "sidecar-1", epoch, durability: "os" });
  defer(t, () => spool.close());
  const batches: AuditBatch[] = [];
  const seal =
    (
      changes: JsonObject = {},
      use: "log" | "state" = "log",
      purpose: "acknowledgement" | "state" = "acknowledgement",
    ) =>
    async ({ epoch, records }: AuditBatch): Promise<string[]> => {
      const { sequence = 0, hash = "" } = records.at(-1) ?? {};
      const upTo = { received: sequence, covered: sequence, received_hash: hash };
      return [await authority.seal({ sidecar_id: "sidecar-1", epoch, ...upTo, ...changes }, use, purpose)];
    };
  const waits: number[] = [];
  const rig = {
    batches,
    waits,
    clock,
    directory,
    spool,
    seal,
    acknowledge: seal() as Acknowledge,
    failures: 0,
  };
  const sleep: Sleep = async (ms, signal) => {
    waits.push(ms);
    // Waiting for a nudge ends with it; every other wait is over at once.
    if (ms === 1_000)
      await new Promise((resolve) =>
        signal?.aborted ? resolve(0) : signal?.addEventListener("abort", resolve, { once: true }),
      );
    else await new Promise((resolve) => setImmediate(resolve));
  };
  const shipper = createShipper({
    sidecarId: "sidecar-1",
    spool,
    controlPlane: {
      async sendAudit(batchJson) {
        const batch: AuditBatch = JSON.parse(batchJson);
        batches.push(batch);
        return { acknowledgements: await rig.acknowledge(batch) };
      },
    },
    keys: () => createKeySet(authority.published),
    clock,
    sleep,
    random: () => 1,
    log: {
      ...silentLogger,
      error: () => {
        rig.failures += 1;
      },
    },
    metrics: createMetrics([]),
  });
  defer(t, () => shipper.stop());
  return Object.assign(rig, { shipper });
}

test("what is in the spool is shipped in order, once, and then freed", async (t) => {
  const rig = await createRig(t);
  for (const id of ["a", "b", "c"]) await rig.spool.append(eventBody(id));
  rig.shipper.nudge();
  while (rig.spool.usage().records > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(rig.batches.flatMap(idsOf), ["a", "b", "c"]);
});

test("a batch that failed is sent again, as it was", async (t) => {
  const rig = await createRig(t);
  let broken = 2;
  rig.acknowledge = async (batch) => {
    broken -= 1;
    if (broken >= 0) throw new Error("reset");
    return rig.seal()(batch);
  };
  await rig.spool.append(eventBody("a"));
  rig.shipper.nudge();
  while (rig.spool.usage().records > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(rig.batches.length, 3);
  assert.deepEqual(rig.batches[0], rig.batches[2]);
});

const FORGED: readonly [
  title: string,
  changes: JsonObject,
  use: "log" | "state",
  purpose: "acknowledgement" | "state",
][] = [
  ["signed with another key", {}, "state", "acknowledgement"],
  ["sealed for another purpose", {}, "log", "state"],
  ["for another sidecar", { sidecar_id: "sidecar-2" }, "log", "acknowledgement"],
  ["of another record under the same number", { received_hash: "0".repeat(64) }, "log", "acknowledgement"],
  ["in an unknown shape", { extra: 1 }, "log", "acknowledgement"],
  ["for more than was ever written", { received: 9, covered: 9 }, "log", "acknowledgement"],
];
for (const [title, changes, use, purpose] of FORGED) {
  test(`nothing is freed by an acknowledgement ${title}`, async (t) => {
    const rig = await createRig(t);
    rig.acknowledge = rig.seal(changes, use, purpose);
    await rig.spool.append(eventBody("a"));
    rig.shipper.nudge();
    while (rig.failures < 2 && rig.spool.usage().records === 1)
      await new Promise((resolve) => setImmediate(resolve));
    assert.equal(rig.spool.usage().records, 1);
  });
}

test("a flush ships what was appended last, and says when it could not", async (t) => {
  const rig = await createRig(t);
  await rig.spool.append(eventBody("a"));
  rig.acknowledge = async () => {
    throw new Error("down");
  };
  assert.equal(await rig.shipper.flush(5), false);
  assert.equal(rig.spool.usage().records, 1);
});

const untilShipped = async (rig: { spool: Pick<Spool, "usage"> }) => {
  while (rig.spool.usage().records > 0) await new Promise((resolve) => setImmediate(resolve));
};

test("a record that is refused for good is found, all before it arrive, and the sidecar says that it is stuck until it is taken", async (t) => {
  const rig = await createRig(t);
  let refuses = true;
  rig.acknowledge = async (batch) => {
    if (refuses && idsOf(batch).includes("bad")) throw new Fault("invalid", "audit.record", "Not that one.");
    return rig.seal()(batch);
  };
  for (const id of ["a", "b", "c", "d", "e", "bad", "f"]) await rig.spool.append(eventBody(id));
  rig.shipper.nudge();
  while (rig.shipper.stuck() === undefined) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(rig.shipper.stuck()?.code, "audit.record");
  assert.equal(rig.spool.usage().records, 2);
  assert.deepEqual(idsOf(rig.batches.at(-1) ?? assert.fail()), ["bad"]);
  const tries = rig.failures;
  while (rig.failures < tries + 12) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(rig.waits.at(-1), 60_000, "it is tried again ever more seldom");
  refuses = false;
  await untilShipped(rig);
  assert.equal(rig.shipper.stuck(), undefined);
});

const OUTAGES = [
  new Fault("unavailable", "client.unreachable", "No."),
  new Fault("upstream", "client.refused", "HTTP 500."),
  new Fault("limited", "client.refused", "HTTP 429."),
  new Fault("unauthenticated", "client.refused", "HTTP 401."),
];
for (const fault of OUTAGES) {
  test(`what may pass is waited out in whole batches: ${fault.message}`, async (t) => {
    const rig = await createRig(t);
    for (const id of ["a", "b"]) await rig.spool.append(eventBody(id));
    rig.acknowledge = async () => {
      throw fault;
    };
    rig.shipper.nudge();
    while (rig.failures < 5) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(rig.shipper.stuck(), undefined);
    assert.ok(rig.batches.every(({ records }) => records.length === 2));
    rig.clock.advance(90_000);
    assert.equal(rig.shipper.waitingMs(), 90_000);
    rig.acknowledge = rig.seal();
    await untilShipped(rig);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(rig.shipper.waitingMs(), 0);
  });
}

test("what the spool has lost is said to be missing once the control plane asks for it, and nothing more is", async (t) => {
  const directory = join(temporaryDirectory(t), "spool");
  const before = await openSpool({ directory, sidecarId: "sidecar-1", epoch: 1, durability: "os" });
  for (const id of ["a", "b", "rotten", "d"]) await before.append(eventBody(id));
  await before.close();
  const [name = ""] = readdirSync(directory).filter((file) => file.endsWith(".segment"));
  const bytes = readFileSync(join(directory, name));
  bytes.write("R", bytes.indexOf("rotten"));
  writeFileSync(join(directory, name), bytes);
  const rig = await createRig(t, directory, 2);
  const received = new Map<number, number>();
  rig.acknowledge = async (batch) => {
    const { epoch, records, missing } = batch;
    const [expected, first] = [(received.get(epoch) ?? 0) + 1, records[0]?.sequence ?? 0];
    if (first > expected && (missing === undefined || missing.from > expected || missing.to !== first - 1))
      throw new Fault("conflict", "audit.gap", "Records are missing.");
    received.set(epoch, records.at(-1)?.sequence ?? 0);
    return rig.seal()(batch);
  };
  await rig.spool.append(eventBody("e"));
  rig.shipper.nudge();
  await untilShipped(rig);
  assert.deepEqual(
    rig.batches.map((batch) => [idsOf(batch).join(), batch.missing]),
    [
      ["a,b", undefined],
      ["d", undefined],
      ["d", { from: 3, to: 3 }],
      ["e", undefined],
    ],
  );
});

test("a control plane that has forgotten what it acknowledged is given all that is still here", async (t) => {
  const rig = await createRig(t);
  // Received and not covered: the spool still holds it.
  rig.acknowledge = rig.seal({ covered: 0 });
  await rig.spool.append(eventBody("a"));
  rig.shipper.nudge();
  while (rig.batches.length < 1) await new Promise((resolve) => setImmediate(resolve));
  let forgotten = true;
  rig.acknowledge = async (batch) => {
    if (forgotten && batch.records[0]?.sequence !== 1) throw new Fault("conflict", "audit.gap", "Missing.");
    forgotten = false;
    return rig.seal()(batch);
  };
  await rig.spool.append(eventBody("b"));
  rig.shipper.nudge();
  await untilShipped(rig);
  assert.deepEqual(rig.batches.map((batch) => idsOf(batch).join()).slice(-2), ["b", "a,b"]);
});

test("a fork is not shipped around: the sidecar is stuck and says why", async (t) => {
  const rig = await createRig(t);
  for (const id of ["a", "b"]) await rig.spool.append(eventBody(id));
  rig.acknowledge = async () => {
    throw new Fault("conflict", "audit.fork", "A record contradicts another.");
  };
  rig.shipper.nudge();
  while (rig.failures < 3) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(rig.shipper.stuck()?.code, "audit.fork");
  assert.ok(rig.batches.every(({ records }) => records.length === 2));
});

test("a spool that cannot be read stops shipping, and that is told", async (t) => {
  const rig = await createRig(t);
  rig.acknowledge = async () => {
    rmSync(rig.directory, { recursive: true });
    throw new Error("reset");
  };
  await rig.spool.append(eventBody("a"));
  rig.shipper.nudge();
  while (rig.shipper.stuck() === undefined) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(rig.shipper.stuck()?.code, "audit.spool_failed");
  assert.equal(rig.spool.failure()?.code, "audit.spool_failed");
});

test("records of the largest size travel in batches far below what the control plane takes", async (t) => {
  const rig = await createRig(t);
  const wide = buildEvent({ ...sample, event_id: "w", arg_values: { x: "x".repeat(24_000) } });
  for (let at = 0; at < 120; at += 1)
    await rig.spool.append({ kind: "event", event: { ...wide, event_id: `w-${at}` }, args_salt: "" });
  rig.shipper.nudge();
  await untilShipped(rig);
  for (const batch of rig.batches) assert.ok(Buffer.byteLength(JSON.stringify(batch)) < 2 * 1_048_576);
});
