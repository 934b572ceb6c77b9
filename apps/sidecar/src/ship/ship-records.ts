// Carries the spool to the chain: in order, at least once, for ever. Nothing is deleted here on anybody's word: only an acknowledgement
// signed with the log key, for this sidecar, that the chain covers the records frees their segments (P6).
import type { Spool } from "@postern/audit/spool";
import { Acknowledgement } from "@postern/contracts";
import { type Clock, Fault } from "@postern/fault";
import { type KeySet, open } from "@postern/signing";
import type { Logger, Metrics } from "@postern/telemetry";
import type { ControlPlane } from "../control-plane.ts";
import { backoffMs, type Random, type Sleep } from "../timing.ts";

export interface Shipper {
  /** There is something new in the spool. */
  nudge(): void;
  /** Ships until the spool holds nothing unsent, or the time is up. True when all was sent. */
  flush(timeoutMs: number): Promise<boolean>;
  stop(): Promise<void>;
}

export interface ShipperPorts {
  readonly sidecarId: string;
  readonly spool: Pick<Spool, "read" | "acknowledge" | "usage">;
  readonly controlPlane: Pick<ControlPlane, "sendAudit">;
  readonly keys: () => KeySet;
  readonly clock: Clock;
  readonly sleep: Sleep;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Pick<Metrics, "increment" | "set">;
}

const RECORDS_MAX = 500;
/** Records that come together travel together: this long is waited for company. */
const GATHER_MS = 20;
/** Without a nudge the spool is looked at this often all the same. */
const IDLE_MS = 1_000;

interface Cursor {
  readonly epoch: number;
  readonly sequence: number;
}

export function createShipper(ports: ShipperPorts): Shipper {
  const stopping = new AbortController();
  let cursor: Cursor = { epoch: 0, sequence: 0 };
  let bell = new AbortController();
  let hurried = false;
  let drained = Promise.withResolvers<void>();

  async function run(): Promise<void> {
    let failures = 0;
    while (!stopping.signal.aborted) {
      try {
        const next = await shipBatch(ports, cursor);
        failures = 0;
        if (next === undefined) await rest();
        else cursor = next;
      } catch (caught) {
        failures += 1;
        ports.log.error("audit records not shipped", caught, { failures });
        await ports.sleep(backoffMs(failures, ports.random), stopping.signal);
      }
    }
  }

  async function rest(): Promise<void> {
    drained.resolve();
    drained = Promise.withResolvers();
    bell = new AbortController();
    await ports.sleep(IDLE_MS, AbortSignal.any([bell.signal, stopping.signal]));
    if (!hurried) await ports.sleep(GATHER_MS, stopping.signal);
  }

  const running = run();
  return {
    nudge: () => bell.abort(),
    async flush(timeoutMs) {
      hurried = true;
      const emptied = drained.promise.then(() => true);
      bell.abort();
      // The look that is under way may have missed what was appended last; the one after it has not.
      const emptiedAgain = emptied.then(() => {
        bell.abort();
        return drained.promise.then(() => true);
      });
      const timer = new AbortController();
      const late = ports.sleep(timeoutMs, timer.signal).then(() => false);
      const all = await Promise.race([emptiedAgain, late]);
      timer.abort();
      return all;
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** Sends the records after the cursor; undefined when there are none. */
async function shipBatch(ports: ShipperPorts, after: Cursor): Promise<Cursor | undefined> {
  const { spool, metrics } = ports;
  const batch = await spool.read(after, RECORDS_MAX);
  metrics.set("spoolBytes", spool.usage().bytes);
  const last = batch?.records.at(-1);
  if (batch === undefined || last === undefined) return undefined;
  const { epoch, previousHash, records } = batch;
  const reply = await ports.controlPlane.sendAudit({
    epoch,
    previous_hash: previousHash,
    records: [...records],
  });
  let received: number | undefined;
  for (const sealed of reply.acknowledgements) {
    const acknowledged = await openAcknowledgement(ports, sealed);
    if (acknowledged.epoch === epoch) {
      const ours = records.find(({ sequence }) => sequence === acknowledged.received);
      if (ours !== undefined && ours.hash !== acknowledged.received_hash) throw fork();
      received = acknowledged.received;
    }
    await spool.acknowledge({ epoch: acknowledged.epoch, covered: acknowledged.covered });
  }
  if (received === undefined) {
    throw new Fault("upstream", "audit.unacknowledged", "The control plane did not acknowledge the records.");
  }
  metrics.increment(
    "auditShipped",
    {},
    Math.max(0, Math.min(received, last.sequence) - (records[0]?.sequence ?? 1) + 1),
  );
  return { epoch, sequence: received };
}

async function openAcknowledgement(ports: ShipperPorts, sealed: string): Promise<Acknowledgement> {
  const { document } = await open(sealed, {
    keys: ports.keys(),
    use: "log",
    purpose: "acknowledgement",
    nowMs: ports.clock.nowMs(),
  });
  const parsed = Acknowledgement.safeParse(document);
  if (!parsed.success)
    throw new Fault("upstream", "audit.acknowledgement", "An acknowledgement has an unknown shape.");
  if (parsed.data.sidecar_id !== ports.sidecarId) {
    throw new Fault("upstream", "audit.acknowledgement", "An acknowledgement is for another sidecar.");
  }
  return parsed.data;
}

const fork = () =>
  new Fault("conflict", "audit.fork", "The control plane holds another record under the same number.");
