// A worker thread as something to ask, one question at a time and with a deadline for each of its inputs. The time counts from when
// the thread begins with the input, not from when it was asked: a busy machine may let the thread wait for a processor. Past the
// deadline the thread is ended, because that is the only way to stop WebAssembly that runs away.
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { WorkerAnswer, WorkerRequest, WorkerSetup } from "./evaluation-worker.ts";

export type ThreadAnswer =
  | WorkerAnswer
  /** The input numbered `at` passed its deadline; the thread has been ended, and nothing is known of the other inputs. */
  | { readonly kind: "overrun"; readonly at: number; readonly spentMs: number }
  /** The thread ended by itself, such as for want of memory, while it was at the input numbered `at`. */
  | { readonly kind: "lost"; readonly at: number; readonly spentMs: number; readonly detail: string };

export interface EvaluationThread {
  /**
   * Asks, at most `INPUTS_MAX` inputs at a time, and waits for the answer; `deadlineMs` is for each input. At most one question
   * may be open. After "overrun" or "lost" the thread is dead.
   */
  ask(request: Exclude<WorkerRequest, { kind: "drop" }>, deadlineMs: number): Promise<ThreadAnswer>;
  /** Frees a policy, after whatever is being answered. */
  drop(slot: number): void;
  close(): Promise<void>;
}

/** Memory of the worker's JavaScript, beside that of the WebAssembly: inputs and results pass through it. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 16 };

/** Of one question. */
export const INPUTS_MAX = 16;

/** A thread that has not even begun with a question after this time is taken for dead. */
const BEGIN_MS_MAX = 5_000;

interface Question {
  readonly askedAtNs: bigint;
  resolve(answer: ThreadAnswer): void;
}

/** Starts a worker. It keeps the process alive only while a question is open. */
export function openThread({ memoryPagesMax }: { readonly memoryPagesMax: number }): EvaluationThread {
  const { port1: port, port2 } = new MessageChannel();
  const begunAtNs = new BigInt64Array(new SharedArrayBuffer(8 * INPUTS_MAX));
  const workerData: WorkerSetup = { port: port2, memoryPagesMax, begunAtNs };
  const worker = new Worker(new URL("./evaluation-worker.ts", import.meta.url), {
    workerData,
    transferList: [port2],
    env: {},
    execArgv: [],
    resourceLimits: RESOURCE_LIMITS,
  });
  let open: Question | undefined;
  let timer: NodeJS.Timeout | undefined;
  let end: string | undefined;

  function settle(answer: ThreadAnswer): void {
    const question = open;
    open = undefined;
    clearTimeout(timer);
    question?.resolve(answer);
  }

  function lose(detail: string): void {
    end ??= detail;
    const { at, spentMs } = progress();
    settle({ kind: "lost", at, spentMs, detail: end });
  }

  /** Which input the thread is at, and since when; -1 and since when it has been asked, if it has not begun. */
  function progress() {
    const latest = begunAtNs.findLastIndex((begun) => begun !== 0n);
    const sinceNs = latest === -1 ? (open?.askedAtNs ?? 0n) : Atomics.load(begunAtNs, latest);
    const spentMs = Number(process.hrtime.bigint() - sinceNs) / 1e6;
    return { at: Math.max(0, latest), begun: latest !== -1, spentMs };
  }

  function look(deadlineMs: number): void {
    // The answer may have come while this loop was busy elsewhere, and then it was in time.
    const answered = receiveMessageOnPort(port);
    if (answered !== undefined) {
      settle(answered.message);
      return;
    }
    const { at, begun, spentMs } = progress();
    const leftMs = begun ? deadlineMs - spentMs : Math.min(deadlineMs, BEGIN_MS_MAX - spentMs);
    if (leftMs > 0) {
      timer = setTimeout(look, leftMs, deadlineMs);
      return;
    }
    end = "the thread was ended at its deadline";
    settle({ kind: "overrun", at, spentMs });
    void worker.terminate();
  }

  port.on("message", settle);
  worker.on("error", (error) => lose(error instanceof Error ? error.message : String(error)));
  worker.on("exit", () => lose("the thread exited"));
  port.unref();
  worker.unref();

  return {
    ask(request, deadlineMs) {
      if (end !== undefined) return Promise.resolve({ kind: "lost", at: 0, spentMs: 0, detail: end });
      return new Promise((resolve) => {
        open = { askedAtNs: process.hrtime.bigint(), resolve };
        timer = setTimeout(look, deadlineMs, deadlineMs);
        begunAtNs.fill(0n);
        port.postMessage(request);
      });
    },
    drop(slot) {
      port.postMessage({ kind: "drop", slot });
    },
    async close() {
      lose("the engine was closed");
      await worker.terminate();
    },
  };
}
