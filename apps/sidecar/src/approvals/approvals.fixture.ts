// A pipeline whose escalated calls really wait: time passes when the test says so, and the queue outlives the sidecar.
import type { TestContext } from "node:test";
import type { ApprovalStatus } from "@postern/contracts";
import { silentLogger } from "@postern/telemetry";
import { defer, fixedClock, sequentialIds } from "@postern/testkit";
import { createMemoryExchange, type MemoryExchange } from "../exchange.fixture.ts";
import { createRig, type Rig, type SendOptions } from "../pipeline.fixture.ts";
import type { PipelinePorts } from "../pipeline.ts";
import type { Sleep } from "../timing.ts";
import { createApprovals } from "./approvals.ts";
import { createMemoryQueue, type MemoryQueue } from "./memory-queue.fixture.ts";

export interface WaitingRig extends Rig {
  readonly queue: MemoryQueue;
  /** Sleeps begun so far. */
  readonly sleeps: () => number;
  isHearing: boolean;
  /** Somebody decides, and the sync stream tells, unless it is down. */
  decide(pendingId: string, status: ApprovalStatus, reason?: string): void;
  /** Lets time pass, and what waits for it happen. */
  pass(ms: number): Promise<void>;
  close(): void;
  /** Sends a call and does not wait for its answer. */
  begin(
    message: unknown,
    options?: SendOptions,
  ): { exchange: MemoryExchange; answered: Promise<MemoryExchange> };
}

export async function createWaitingRig(
  t: TestContext,
  changes: Partial<PipelinePorts> & { readonly queue?: MemoryQueue; readonly pendingMs?: number } = {},
): Promise<WaitingRig> {
  const { queue: given, pendingMs, ...ports } = changes;
  const clock = fixedClock();
  const queue =
    given ?? createMemoryQueue({ nowMs: clock.nowMs, ...(pendingMs !== undefined && { pendingMs }) });
  const closing = new AbortController();
  defer(t, () => closing.abort());
  let sleeps = 0;
  let sleepers: { readonly dueMs: number; readonly wake: () => void }[] = [];
  const sleep: Sleep = (ms, signal) => {
    sleeps += 1;
    return new Promise((resolve) => {
      sleepers.push({ dueMs: clock.monotonicMs() + ms, wake: resolve });
      signal?.addEventListener("abort", () => resolve(), { once: true });
      if (signal?.aborted) resolve();
    });
  };
  const approvals = createApprovals({
    ...{ queue, clock, sleep, closing: closing.signal, log: silentLogger },
    isHearing: () => waiting.isHearing,
  });
  const rig = await createRig(t, {
    ...{ approvals, clock, closing: closing.signal, newId: sequentialIds("later") },
    ...ports,
  });
  const waiting: WaitingRig = Object.assign(rig, {
    queue,
    isHearing: true,
    sleeps: () => sleeps,
    decide(pendingId: string, status: ApprovalStatus, reason = "") {
      const ticket = queue.decide(pendingId, status, reason);
      if (waiting.isHearing) approvals.take({ decided: [ticket] });
    },
    async pass(ms: number) {
      for (let left = ms; left > 0; left -= 1_000) {
        clock.advance(Math.min(left, 1_000));
        const due = sleepers.filter(({ dueMs }) => dueMs <= clock.monotonicMs());
        sleepers = sleepers.filter((sleeper) => !due.includes(sleeper));
        for (const { wake } of due) wake();
        await turns();
      }
    },
    close: () => closing.abort(),
    begin(message: unknown, options: SendOptions = {}) {
      const exchange = createMemoryExchange();
      return { exchange, answered: rig.send(message, { exchange, ...options }) };
    },
  });
  return waiting;
}

/** Long enough for whatever is ready to happen. */
export async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Until it is so. */
export async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn += 1) {
    if (turn > 10_000) throw new Error("it never was so");
    await turns(1);
  }
}
