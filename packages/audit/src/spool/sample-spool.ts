// Spools for tests: opened in a folder that vanishes, read back whole.
import type { SpoolRecord } from "@postern/contracts";
import { defer, type TestScope } from "@postern/testkit";
import { recordHash } from "../chain.ts";
import { fileDevice, type SpoolDevice } from "./device.ts";
import { openSpool, type SpoolOptions } from "./open-spool.ts";
import type { Spool } from "./spool.ts";

export async function sampleSpool(
  scope: TestScope,
  options: Partial<SpoolOptions> & Pick<SpoolOptions, "directory">,
): Promise<Spool> {
  const spool = await openSpool({ sidecarId: "sidecar-1", epoch: 1, durability: "os", ...options });
  defer(scope, () => spool.close());
  return spool;
}

/** Files without waiting for the disk: for tests that open thousands of spools and lose no power. */
export const hastyDevice: SpoolDevice = {
  ...fileDevice,
  sync: async () => {},
  syncDirectory: async () => {},
};

export interface PlacedRecord extends SpoolRecord {
  readonly epoch: number;
  /** Hash of the record before, as the spool names it. */
  readonly previousHash: string;
}

/** Every record that the spool would ship, in order; throws when a hash is not the one that the rule gives. */
export async function drain(spool: Spool, recordsMax = 100): Promise<PlacedRecord[]> {
  const drained: PlacedRecord[] = [];
  for (let after = { epoch: 0, sequence: 0 }; ; ) {
    const batch = await spool.read(after, recordsMax);
    if (batch === undefined) return drained;
    let { epoch, previousHash } = batch;
    for (const record of batch.records) {
      if (recordHash(record.sequence, previousHash, record.body) !== record.hash) {
        throw new Error(`record ${record.sequence} of epoch ${epoch} does not have its hash`);
      }
      drained.push({ epoch, previousHash, ...record });
      previousHash = record.hash;
    }
    after = { epoch, sequence: drained.at(-1)?.sequence ?? 0 };
  }
}

/** "epoch/sequence kind event" of each record: short enough to compare whole spools. */
export function titlesOf(records: readonly PlacedRecord[]): string[] {
  return records.map(({ epoch, sequence, body }) => {
    if (body.kind === "lost_end") return `${epoch}/${sequence} lost_end ${body.epoch}/${body.from}`;
    const id = body.kind === "outcome" ? body.event_id : body.event.event_id;
    return `${epoch}/${sequence} ${body.kind} ${id}`;
  });
}
