// The SDK that runs OPA's modules. Its ES module leaves out the synchronous loader that its types promise; its CommonJS has it.
import { createRequire } from "node:module";

/** An instantiated policy, as far as it is used here. */
export interface LoadedPolicy {
  readonly minorVersion: number;
  readonly mem: WebAssembly.Memory;
  readonly wasmInstance: WebAssembly.Instance;
  /** Takes ready JSON. */
  setData(json: ArrayBuffer): void;
  /** Takes ready JSON and gives the result set; throws strings. */
  evaluate(inputJson: ArrayBuffer, entrypoint: string): unknown;
}

interface OpaWasm {
  loadPolicySync(module: WebAssembly.Module, memory: { initial: number; maximum: number }): LoadedPolicy;
}

/** The SDK is loaded with the first policy: the thread that takes the calls has an evaluator of its own, and never does. */
export const loadPolicySync: OpaWasm["loadPolicySync"] = (...given) => {
  const { loadPolicySync } = createRequire(import.meta.url)("@open-policy-agent/opa-wasm") as OpaWasm;
  return loadPolicySync(...given);
};
