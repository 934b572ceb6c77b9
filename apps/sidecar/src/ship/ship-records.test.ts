import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { buildEvent } from "@postern/audit";
import { openSpool } from "@postern/audit/spool";
import type { AuditBatch, JsonObject, SpoolBody } from "@postern/contracts";
import { createKeySet } from "@postern/signing";
import { createMetrics, silentLogger } from "@postern/telemetry";
import { defer, fixedClock, temporaryDirectory } from "@postern/testkit";
import { createAuthority } from "../authority.fixture.ts";
import type { Sleep } from "../timing.ts";
import { createShipper } from "./ship-records.ts";

const eventBody = (id: string): SpoolBody => ({
  kind: "event",
  event: buildEvent({
    ts: "2026-01-01T00:00:00.000Z",
    event: "intentgate.tool_call",
    decision: "block",
    tenant: "acme",
    tool: "echo",
    event_id: id,
    outcome: "none",
  }),
  args_salt: "",
});

type Acknowledge = (batch: AuditBatch) => Promise<string[]>;

async function createRig(t: TestContext) {
  const clock = fixedClock();
  const authority = await createAuthority(clock.nowMs);
  const directory = join(temporaryDirectory(t), "spool");
  const spool = await openSpool({ directory, sidecarId: "sidecar-1", epoch: 1, durability: "os" });
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
  const rig = { batches, spool, seal, acknowledge: seal() as Acknowledge, failures: 0 };
  const sleep: Sleep = async (ms, signal) => {
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
      async sendAudit(batch) {
        batches.push(batch);
        return { acknowledgements: await rig.acknowledge(batch) };
      },
    },
    keys: () => createKeySet(authority.published),
    clock,
    sleep,
    random: () => 0,
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
  const ids = rig.batches.flatMap(({ records }) =>
    records.map(({ body }) => body.kind === "event" && body.event.event_id),
  );
  assert.deepEqual(ids, ["a", "b", "c"]);
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
