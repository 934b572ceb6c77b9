// The door between a policy and the process: a module may import what OPA's ABI names and nothing else, and must offer what the
// evaluator calls. (https://www.openpolicyagent.org/docs/wasm, ABI 1.2 and later)
import { Fault } from "@postern/fault";
import { meterModule } from "./metering.ts";

const IMPORTS: ReadonlySet<string> = new Set([
  "env.memory:memory",
  "env.opa_abort:function",
  "env.opa_println:function",
  ...[0, 1, 2, 3, 4].map((arity) => `env.opa_builtin${arity}:function`),
]);

const EXPORTS: readonly string[] = [
  "builtins:function",
  "entrypoints:function",
  "opa_eval:function",
  "opa_heap_ptr_get:function",
  "opa_heap_ptr_set:function",
  "opa_json_dump:function",
  "opa_json_parse:function",
  "opa_malloc:function",
  "opa_wasm_abi_minor_version:global",
  "opa_wasm_abi_version:global",
];

/** Compiles a policy's module, off the main thread. Faults: invalid `bundle.wasm`. */
export async function compileModule(bytes: Uint8Array): Promise<WebAssembly.Module> {
  const module = await WebAssembly.compile(new Uint8Array(bytes)).catch((cause: unknown) => {
    throw new Fault("invalid", "bundle.wasm", "The policy is not a WebAssembly module.", { cause });
  });
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    if (!IMPORTS.has(`${from}.${name}:${kind}`)) throw outside(`imports ${from}.${name}`);
  }
  const offered = new Set(WebAssembly.Module.exports(module).map(({ name, kind }) => `${name}:${kind}`));
  const missing = EXPORTS.find((name) => !offered.has(name));
  if (missing !== undefined) throw outside(`does not export ${missing}`);
  return module;
}

/** Its metered copy, where it has one. */
export async function compileMetered(bytes: Uint8Array): Promise<WebAssembly.Module | undefined> {
  const metered = meterModule(bytes);
  return metered && WebAssembly.compile(metered).catch(() => undefined);
}

function outside(what: string): Fault {
  return new Fault(
    "invalid",
    "bundle.wasm",
    `The policy's module ${what}, which OPA's interface does not allow.`,
  );
}
