// The worker thread: evaluators by slot, one request after the other, each answered in turn. It holds no time limit of its own,
// since code that runs away cannot stop itself; the thread that asks ends this one.
import { type MessagePort, workerData } from "node:worker_threads";
import { createEvaluator, describeThrown, type Evaluation, type Evaluator } from "./evaluator.ts";

export type WorkerRequest =
  /** Instantiates a policy and tries it on the given inputs (JSON). */
  | {
      readonly kind: "load";
      readonly slot: number;
      readonly module: WebAssembly.Module;
      readonly dataJson: string;
      readonly trials: readonly string[];
    }
  /** Evaluates inputs (JSON) one after the other, and at least the first, but begins with none once `runMs` have passed. */
  | {
      readonly kind: "evaluate";
      readonly slot: number;
      readonly inputs: readonly string[];
      readonly runMs: number;
    }
  /** Frees a policy; the only request without an answer. */
  | { readonly kind: "drop"; readonly slot: number };

/** `spentMs` is the processor time that the thread has used since its last answer, or since its start. */
export type WorkerAnswer = (
  | { readonly kind: "evaluated"; readonly evaluations: readonly Evaluation[] }
  | { readonly kind: "loaded"; readonly trials: readonly Evaluation[] }
  | { readonly kind: "failure"; readonly detail: string }
) & { readonly spentMs: number };

export interface WorkerSetup {
  readonly port: MessagePort;
  readonly memoryPagesMax: number;
  /**
   * Shared: when this thread began with each input of the open question, in nanoseconds of the process's own clock, and 0
   * for those it has not begun with. Loading counts as the first input.
   */
  readonly begunAtNs: BigInt64Array;
}

const { port, memoryPagesMax, begunAtNs } = workerData as WorkerSetup;
const evaluators = new Map<number, Evaluator>();
let countedMs = 0;

port.on("message", (request: WorkerRequest) => {
  if (request.kind === "drop") {
    evaluators.delete(request.slot);
    return;
  }
  const answer = request.kind === "load" ? load(request) : evaluate(request);
  port.postMessage({ ...answer, spentMs: spentMs() } satisfies WorkerAnswer);
});

function load(request: Extract<WorkerRequest, { kind: "load" }>) {
  begin(0);
  try {
    const evaluator = createEvaluator({ ...request, memoryPagesMax });
    evaluators.set(request.slot, evaluator);
    return { kind: "loaded", trials: request.trials.map((trial) => evaluator.evaluate(trial)) } as const;
  } catch (thrown) {
    return { kind: "failure", detail: describeThrown(thrown) } as const;
  }
}

function evaluate({ slot, inputs, runMs }: Extract<WorkerRequest, { kind: "evaluate" }>) {
  const evaluator = evaluators.get(slot);
  if (evaluator === undefined) return { kind: "failure", detail: "the policy is not loaded" } as const;
  const endsAtNs = process.hrtime.bigint() + BigInt(runMs * 1e6);
  const evaluations: Evaluation[] = [];
  for (const [index, inputJson] of inputs.entries()) {
    if (begin(index) >= endsAtNs && index > 0) break;
    evaluations.push(evaluator.evaluate(inputJson));
  }
  return { kind: "evaluated", evaluations } as const;
}

function begin(index: number): bigint {
  const nowNs = process.hrtime.bigint();
  Atomics.store(begunAtNs, index, nowNs);
  return nowNs;
}

function spentMs(): number {
  const { user, system } = process.threadCpuUsage();
  const totalMs = (user + system) / 1_000;
  const sinceMs = totalMs - countedMs;
  countedMs = totalMs;
  return sinceMs;
}
