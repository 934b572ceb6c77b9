// One policy, instantiated from its metered module, on the caller's own thread. It answers with a whole result or with nothing: what runs out
// of fuel or of memory, fails, or needs something of its host is for a thread that can be ended. Whatever cut it short, the next evaluation
// begins from the very state in which the policy was loaded, in a new instance. (https://www.openpolicyagent.org/docs/wasm, ABI 1.2)
import { POLICY_ENTRYPOINT } from "@postern/contracts";
import { LENT_BUILTINS, MEMORY_PAGES_MIN, RESULT_CHARS_MAX } from "./evaluator.ts";
import { FUEL_EXPORT, STATE_EXPORT } from "./metering.ts";

export interface InlineEvaluator {
  /**
   * The result set as JSON, or undefined if it cannot be told here. `inputJson` is text that JSON.stringify could have made, at most
   * `INLINE_CHARS_MAX` long.
   */
  evaluate(inputJson: string): string | undefined;
  /** What the latest evaluation took of its fuel: 0 to 1. */
  spent(): number;
}

export interface InlineOptions {
  /** What `meterModule` made. */
  readonly module: WebAssembly.Module;
  readonly dataJson: string;
  readonly fuel?: number;
}

/** For one evaluation: about a millisecond. Once warm, policies were seen to use 10 to 30 million a millisecond, whatever they do. */
export const EVALUATION_FUEL = 12_000_000;

/** For parsing the policy's data, once. */
const LOAD_FUEL = 20 * EVALUATION_FUEL;

/** 8 MiB: more than an evaluation can fill before its fuel is used up, beside data that can be parsed with the fuel for that. */
const MEMORY_PAGES_MAX = 128;

/** Longer inputs are not evaluated here. */
export const INLINE_CHARS_MAX = 32 * 1024;

/** A character of UTF-16 is at most three bytes of UTF-8. */
const INPUT_BYTES_MAX = 3 * INLINE_CHARS_MAX;
const PAGE_BYTES = 64 * 1024;

interface Instance {
  readonly exports: Exports;
  /** Its memory as it is now; growth makes another one. */
  readonly view: () => Buffer<ArrayBuffer>;
  /** The module's own globals that change. */
  readonly state: readonly WebAssembly.Global[];
}

interface Exports {
  readonly [FUEL_EXPORT]: WebAssembly.Global;
  opa_eval(
    reserved: 0,
    entry: number,
    data: number,
    input: number,
    length: number,
    heap: number,
    format: 0,
  ): number;
  opa_malloc(bytes: number): number;
  opa_json_parse(address: number, bytes: number): number;
  opa_json_dump(value: number): number;
  opa_heap_ptr_get(): number;
  builtins(): number;
  entrypoints(): number;
  readonly opa_wasm_abi_minor_version: WebAssembly.Global;
}

/** All that an instance is made of once its data is parsed. */
interface Loaded {
  readonly bytes: Uint8Array;
  readonly pages: number;
  readonly state: readonly number[];
  readonly entry: number;
  readonly data: number;
  /** Where the input goes, and after it whatever the evaluation allocates. */
  readonly heap: number;
}

/** Undefined if the policy cannot be loaded here, for whatever reason. */
export function createInlineEvaluator(options: InlineOptions): InlineEvaluator | undefined {
  const { module, dataJson, fuel = EVALUATION_FUEL } = options;
  const loaded = attempt(() => load(instantiate(module, MEMORY_PAGES_MIN), dataJson));
  if (loaded === undefined) return undefined;
  let instance: Instance | undefined;
  let left = fuel;

  const run = (inputJson: string): string => {
    instance ??= restore(module, loaded);
    const { exports, view } = instance;
    const { data, entry, heap } = loaded;
    const length = view().write(inputJson, heap, "utf8");
    const counter = exports[FUEL_EXPORT];
    counter.value = fuel;
    left = 0;
    const result = exports.opa_eval(0, entry, data, heap, length, heap + length, 0);
    left = counter.value;
    const text = textAt(view(), result);
    return text.length > RESULT_CHARS_MAX ? refuse() : text;
  };

  return {
    evaluate(inputJson) {
      const text = attempt(() => run(inputJson));
      // Nothing of an instance that was cut short can be trusted, the place of its stack included.
      if (text === undefined) instance = undefined;
      return text;
    },
    spent: () => 1 - left / fuel,
  };
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

function instantiate(module: WebAssembly.Module, pages: number): Instance {
  const memory = new WebAssembly.Memory({ initial: pages, maximum: MEMORY_PAGES_MAX });
  const env = { memory, ...Object.fromEntries(HOST_FUNCTIONS.map((name) => [name, refuse])) };
  const { exports } = new WebAssembly.Instance(module, { env });
  const names = Object.keys(exports).filter((name) => name.startsWith(STATE_EXPORT));
  let buffer = Buffer.from(memory.buffer);
  return {
    exports: exports as unknown as Exports,
    view() {
      if (buffer.buffer !== memory.buffer) buffer = Buffer.from(memory.buffer);
      return buffer;
    },
    state: names.map((name) => exports[name] as WebAssembly.Global),
  };
}

/** Work of the host is not metered, and a policy that gives up says why on a thread. */
const HOST_FUNCTIONS = ["opa_abort", "opa_println", ...[0, 1, 2, 3, 4].map((arity) => `opa_builtin${arity}`)];

function refuse(): never {
  throw new Error("not on the caller's thread");
}

function load(instance: Instance, dataJson: string): Loaded {
  const { exports, state, view } = instance;
  exports[FUEL_EXPORT].value = LOAD_FUEL;
  const tableAt = (address: number): Record<string, number> =>
    JSON.parse(textAt(view(), exports.opa_json_dump(address)));
  const entry = tableAt(exports.entrypoints())[POLICY_ENTRYPOINT];
  const lacks = Object.keys(tableAt(exports.builtins())).some((name) => !LENT_BUILTINS.has(name));
  if (entry === undefined || lacks || exports.opa_wasm_abi_minor_version.value < 2) return refuse();
  const text = Buffer.from(dataJson);
  const address = exports.opa_malloc(text.byteLength);
  view().set(text, address);
  const data = exports.opa_json_parse(address, text.byteLength);
  if (data === 0) return refuse();
  const heap = exports.opa_heap_ptr_get();
  // Room for inputs, made by the module itself: it would not see a growth from outside.
  exports.opa_malloc(INPUT_BYTES_MAX);
  return {
    bytes: new Uint8Array(view().buffer.slice(0, heap)),
    pages: view().byteLength / PAGE_BYTES,
    state: state.map((global) => global.value),
    entry,
    data,
    heap,
  };
}

function restore(module: WebAssembly.Module, loaded: Loaded): Instance {
  const instance = instantiate(module, loaded.pages);
  instance.view().set(loaded.bytes);
  for (const [index, global] of instance.state.entries()) global.value = loaded.state[index] ?? refuse();
  return instance;
}

/** Text up to its NUL. */
const textAt = (view: Buffer, address: number) => view.toString("utf8", address, view.indexOf(0, address));
