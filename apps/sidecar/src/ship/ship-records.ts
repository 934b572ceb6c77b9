// Carries the spool to the chain: in order, at least once, for ever. What may pass is tried again; what is refused for good is tried in ever
// smaller batches, so that all before it arrives, then seldom, and the sidecar says that it is stuck. What the spool has lost is said to be
// missing, so that a hole on this disk does not end the log.
import type { RecordText, Spool, SpoolBatch } from "@postern/audit/spool";
import { type Fault, isRetryable, toFault } from "@postern/fault";
import type { Logger, Metrics } from "@postern/telemetry";
import { backoffMs, type Random, type Sleep } from "../timing.ts";
import { type Missing, type SendPorts, sendBatch } from "./send-batch.ts";

export interface Shipper {
  /** There is something new in the spool. */
  nudge(): void;
  /** Ships until the spool holds nothing unsent, or the time is up. True when all was sent. */
  flush(timeoutMs: number): Promise<boolean>;
  /** How long records have been waiting without one of them getting through; 0 = nothing waits. */
  waitingMs(): number;
  /** Why shipping cannot go on by itself; undefined while it can, also when the control plane is out of reach. */
  stuck(): Fault | undefined;
  stop(): Promise<void>;
}

export interface ShipperPorts extends SendPorts {
  readonly spool: Pick<Spool, "readTexts" | "acknowledge" | "usage">;
  readonly sleep: Sleep;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Pick<Metrics, "increment" | "set">;
}

/** The spool hands out about 1 MiB at once at most, so this is far below what the control plane takes. */
const RECORDS_MAX = 500;
/** Records that come together travel together: this long is waited for company, since a batch costs the same whatever its size. */
const GATHER_MS = 100;
/** Without a nudge the spool is looked at this often all the same. */
const IDLE_MS = 1_000;
/** What was refused for good is tried again this seldom: the control plane may be mended meanwhile. */
const STUCK_MS = 60_000;

interface Cursor {
  readonly epoch: number;
  readonly sequence: number;
}

const START: Cursor = { epoch: 0, sequence: 0 };

/** How the next batch is to be made. */
interface Course {
  readonly cursor: Cursor;
  readonly recordsMax: number;
  /** Said with the next batch, after a gap was answered. */
  readonly missing: Missing | undefined;
  readonly stuck: Fault | undefined;
}

const RUNG = "a record was written";

export function createShipper(ports: ShipperPorts): Shipper {
  const { clock, spool, metrics } = ports;
  const stopping = new AbortController();
  let course: Course = { cursor: START, recordsMax: RECORDS_MAX, missing: undefined, stuck: undefined };
  let waitingSinceMs: number | undefined;
  let bell = new AbortController();
  let hurried = false;
  let drained = Promise.withResolvers<void>();

  async function run(): Promise<void> {
    let failures = 0;
    while (!stopping.signal.aborted) {
      const fault = await turn();
      failures = fault === undefined ? 0 : failures + 1;
      if (fault === undefined) continue;
      ports.log.error("audit records not shipped", fault, { failures, stuck: course.stuck !== undefined });
      const longestMs = course.stuck === undefined ? {} : { longestMs: STUCK_MS };
      await ports.sleep(backoffMs(failures, ports.random, longestMs), stopping.signal);
    }
  }

  /** Ships one batch, or waits for one. What went wrong, if anything. */
  async function turn(): Promise<Fault | undefined> {
    const batch = await spool.readTexts(course.cursor, course.recordsMax).catch(toFault);
    metrics.set("spoolBytes", spool.usage().bytes);
    if (batch instanceof Error) {
      course = { ...course, stuck: batch };
      return batch;
    }
    if (batch === undefined) {
      waitingSinceMs = undefined;
      course = { ...course, stuck: undefined };
      return rest();
    }
    waitingSinceMs ??= clock.monotonicMs();
    try {
      const received = await sendBatch(ports, batch, course.missing);
      metrics.increment("auditShipped", {}, shippedOf(batch, received));
      course = {
        cursor: { epoch: batch.epoch, sequence: received },
        recordsMax: Math.min(RECORDS_MAX, 2 * course.recordsMax),
        missing: undefined,
        stuck: undefined,
      };
      waitingSinceMs = undefined;
      return undefined;
    } catch (caught) {
      const fault = toFault(caught);
      course = afterRefusal(course, batch, fault);
      return fault;
    }
  }

  async function rest(): Promise<undefined> {
    drained.resolve();
    drained = Promise.withResolvers();
    bell = new AbortController();
    await ports.sleep(IDLE_MS, AbortSignal.any([bell.signal, stopping.signal]));
    if (!hurried) await ports.sleep(GATHER_MS, stopping.signal);
  }

  // Rung for every record, so it must cost nothing when it has rung already; without a reason each ring would make an exception.
  const ring = () => {
    if (!bell.signal.aborted) bell.abort(RUNG);
  };

  const running = run();
  return {
    nudge: ring,
    waitingMs: () => (waitingSinceMs === undefined ? 0 : clock.monotonicMs() - waitingSinceMs),
    stuck: () => course.stuck,
    async flush(timeoutMs) {
      hurried = true;
      const emptied = drained.promise.then(() => true);
      ring();
      // The look that is under way may have missed what was appended last; the one after it has not.
      const emptiedAgain = emptied.then(() => {
        ring();
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

function shippedOf({ records }: SpoolBatch<RecordText>, received: number): number {
  const [first, last] = [records[0]?.sequence ?? 1, records.at(-1)?.sequence ?? 0];
  return Math.max(0, Math.min(received, last) - first + 1);
}

/** How to go on after a batch was not taken. */
function afterRefusal(course: Course, { epoch, records }: SpoolBatch<RecordText>, fault: Fault): Course {
  if (isPassing(fault)) return { ...course, stuck: undefined };
  const first = records[0]?.sequence ?? 1;
  if (fault.code === "audit.gap" && course.missing === undefined) {
    const reached = course.cursor.epoch === epoch ? course.cursor.sequence : 0;
    // What was acknowledged is not there any more: another database, so the shipping starts over with all that is still held.
    if (reached > 0 && reached + 1 === first) return { ...course, cursor: START };
    return { ...course, missing: { from: reached + 1, to: first - 1 } };
  }
  // One record cannot be made smaller, and a contradiction does not depend on the size.
  if (records.length > 1 && fault.kind !== "conflict") {
    return { ...course, recordsMax: Math.ceil(records.length / 2) };
  }
  return { ...course, stuck: fault };
}

/** Trouble that may pass by itself, or that shows elsewhere: without its credential a sidecar's state becomes stale. */
function isPassing(fault: Fault): boolean {
  return isRetryable(fault) || fault.kind === "unauthenticated" || fault.kind === "internal";
}
