// One policy, instantiated, in the thread that evaluates it. opa-wasm's habits are contained here: it takes ready JSON only as an
// ArrayBuffer of the exact size (any other view is silently a wrong input), it throws strings, and after a throw its instance
// is not to be trusted, so a fresh one takes its place.
import { type LoadedPolicy, loadPolicySync } from "./opa-wasm.ts";

export interface EvaluatorOptions {
  readonly module: WebAssembly.Module;
  readonly dataJson: string;
  /** WebAssembly pages of 64 KiB that the policy, its data, its input and its work may take together. */
  readonly memoryPagesMax: number;
}

export type Evaluation =
  /** The result set as JSON. */
  { readonly kind: "result"; readonly text: string } | { readonly kind: "failure"; readonly detail: string };

export interface Evaluator {
  /** Evaluates the decision for an input, which must be JSON text that JSON.stringify made. */
  evaluate(inputJson: string): Evaluation;
}

const ENTRYPOINT = "intentgate/policy/decision";
export const MEMORY_PAGES_MIN = 5;
export const RESULT_CHARS_MAX = 256 * 1024;
/** Builtins that the module cannot do itself and that opa-wasm lends it. */
export const LENT_BUILTINS: ReadonlySet<string> = new Set(["sprintf"]);

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Instantiates a policy. Throws whatever the module throws while it starts, or when it wants a builtin that nobody lends. */
export function createEvaluator(options: EvaluatorOptions): Evaluator {
  let policy = instantiate(options);
  return {
    evaluate(inputJson) {
      try {
        const text = JSON.stringify(policy.evaluate(exactBuffer(inputJson), ENTRYPOINT));
        if (text.length <= RESULT_CHARS_MAX) return { kind: "result", text };
        return { kind: "failure", detail: `the result is longer than ${RESULT_CHARS_MAX} characters` };
      } catch (thrown) {
        policy = instantiate(options);
        return { kind: "failure", detail: describeThrown(thrown) };
      }
    },
  };
}

/** Text of whatever a module or opa-wasm threw: an Error, a string, or an object with a message. */
export function describeThrown(thrown: unknown): string {
  const told = typeof thrown === "object" && thrown !== null && "message" in thrown ? thrown.message : thrown;
  return String(told);
}

function instantiate({ module, dataJson, memoryPagesMax }: EvaluatorOptions): LoadedPolicy {
  const memory = { initial: MEMORY_PAGES_MIN, maximum: memoryPagesMax };
  const policy = loadPolicySync(module, memory);
  if (policy.minorVersion < 2) throw new Error(`OPA's ABI 1.${policy.minorVersion} is too old`);
  const unknown = namesOfBuiltins(policy).find((name) => !LENT_BUILTINS.has(name));
  if (unknown !== undefined) throw new Error(`the builtin ${unknown} is not available`);
  policy.setData(exactBuffer(dataJson));
  return policy;
}

/** Builtins that the module calls in its host. It prints them as JSON, name → number, ending in NUL. */
function namesOfBuiltins({ wasmInstance, mem }: LoadedPolicy): readonly string[] {
  const { builtins, opa_json_dump } = wasmInstance.exports as Record<string, (...args: number[]) => number>;
  if (builtins === undefined || opa_json_dump === undefined) throw new Error("the module is not OPA's");
  const start = opa_json_dump(builtins());
  const bytes = new Uint8Array(mem.buffer);
  const names: unknown = JSON.parse(decoder.decode(bytes.subarray(start, bytes.indexOf(0, start))));
  return Object.keys(names as Record<string, number>);
}

function exactBuffer(text: string): ArrayBuffer {
  const bytes = encoder.encode(text);
  return bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer;
}
