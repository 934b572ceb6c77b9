// A worker thread as something to ask, one question at a time and with a deadline. The time counts from when the thread begins with
// the question, not from when it was asked: a busy machine may let the thread wait for a processor. Past the deadline the thread is
// ended, because that is the only way to stop WebAssembly that runs away.
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { WorkerAnswer, WorkerRequest, WorkerSetup } from "./evaluation-worker.ts";

export type ThreadAnswer =
  | WorkerAnswer
  /** The deadline passed; the thread has been ended. */
  | { readonly kind: "overrun" }
  /** The thread ended by itself, such as for want of memory. */
  | { readonly kind: "lost"; readonly detail: string };

export interface EvaluationThread {
  /** Asks and waits for the answer. At most one question may be open. After "overrun" or "lost" the thread is dead. */
  ask(request: Exclude<WorkerRequest, { kind: "drop" }>, deadlineMs: number): Promise<ThreadAnswer>;
  /** Frees a policy, after whatever is being answered. */
  drop(slot: number): void;
  close(): Promise<void>;
}

/** Memory of the worker's JavaScript, beside that of the WebAssembly: inputs and results pass through it. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 16 };

/** A thread that has not even begun with a question after this time is taken for dead. */
const BEGIN_MS_MAX = 5_000;

interface Question {
  readonly deadlineMs: number;
  readonly askedAtNs: bigint;
  resolve(answer: ThreadAnswer): void;
}

/** Starts a worker. It keeps the process alive only while a question is open. */
export function openThread({ memoryPagesMax }: { readonly memoryPagesMax: number }): EvaluationThread {
  const { port1: port, port2 } = new MessageChannel();
  const begunAtNs = new BigInt64Array(new SharedArrayBuffer(8));
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
    settle({ kind: "lost", detail: end });
  }

  /** Time that the open question still has; while the thread has not begun, time that it has to begin. */
  function leftMs({ deadlineMs, askedAtNs }: Question): number {
    const begun = Atomics.load(begunAtNs, 0);
    const sinceMs = Number(process.hrtime.bigint() - (begun === 0n ? askedAtNs : begun)) / 1e6;
    return begun === 0n ? Math.min(deadlineMs, BEGIN_MS_MAX - sinceMs) : deadlineMs - sinceMs;
  }

  function look(question: Question): void {
    // The answer may have come while this loop was busy elsewhere, and then it was in time.
    const answered = receiveMessageOnPort(port);
    const left = leftMs(question);
    if (answered !== undefined) {
      settle(answered.message);
    } else if (left > 0) {
      timer = setTimeout(look, left, question);
    } else {
      end = "the thread was ended at its deadline";
      settle({ kind: "overrun" });
      void worker.terminate();
    }
  }

  port.on("message", settle);
  worker.on("error", (error) => lose(error instanceof Error ? error.message : String(error)));
  worker.on("exit", () => lose("the thread exited"));
  port.unref();
  worker.unref();

  return {
    ask(request, deadlineMs) {
      if (end !== undefined) return Promise.resolve({ kind: "lost", detail: end });
      return new Promise((resolve) => {
        open = { deadlineMs, askedAtNs: process.hrtime.bigint(), resolve };
        timer = setTimeout(look, deadlineMs, open);
        Atomics.store(begunAtNs, 0, 0n);
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
