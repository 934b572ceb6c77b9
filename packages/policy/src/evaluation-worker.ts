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
  | { readonly kind: "evaluate"; readonly slot: number; readonly inputJson: string }
  /** Frees a policy; the only request without an answer. */
  | { readonly kind: "drop"; readonly slot: number };

export type WorkerAnswer = Evaluation | { readonly kind: "loaded"; readonly trials: readonly Evaluation[] };

export interface WorkerSetup {
  readonly port: MessagePort;
  readonly memoryPagesMax: number;
  /** One shared number: when this thread began with the question that is open, in nanoseconds of the process's own clock. */
  readonly begunAtNs: BigInt64Array;
}

const { port, memoryPagesMax, begunAtNs } = workerData as WorkerSetup;
const evaluators = new Map<number, Evaluator>();

port.on("message", (request: WorkerRequest) => {
  Atomics.store(begunAtNs, 0, process.hrtime.bigint());
  if (request.kind === "drop") evaluators.delete(request.slot);
  else port.postMessage(request.kind === "load" ? load(request) : evaluate(request));
});

function load(request: Extract<WorkerRequest, { kind: "load" }>): WorkerAnswer {
  try {
    const evaluator = createEvaluator({ ...request, memoryPagesMax });
    evaluators.set(request.slot, evaluator);
    return { kind: "loaded", trials: request.trials.map((trial) => evaluator.evaluate(trial)) };
  } catch (thrown) {
    return { kind: "failure", detail: describeThrown(thrown) };
  }
}

function evaluate({ slot, inputJson }: Extract<WorkerRequest, { kind: "evaluate" }>): WorkerAnswer {
  const evaluator = evaluators.get(slot);
  return evaluator?.evaluate(inputJson) ?? { kind: "failure", detail: "the policy is not loaded" };
}
