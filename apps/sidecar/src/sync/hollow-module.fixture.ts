// A module that looks like a policy's from outside and decides nothing: for tests that open bundles and evaluate none of them.

const FUNCTIONS = [
  ...["builtins", "entrypoints", "opa_eval", "opa_heap_ptr_get"],
  ...["opa_heap_ptr_set", "opa_json_dump", "opa_json_parse", "opa_malloc"],
];
const GLOBALS = ["opa_wasm_abi_minor_version", "opa_wasm_abi_version"];

const section = (id: number, content: readonly number[]) => [id, ...leb(content.length), ...content];
const leb = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...leb(value >> 7)]);
const exported = (name: string, kind: number, index: number) => [
  name.length,
  ...Buffer.from(name),
  kind,
  index,
];

/** One function that gives 0, and one global that is 1, under every name that there must be. */
export const HOLLOW_MODULE: Uint8Array = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, [1, 0x60, 0, 1, 0x7f]),
  ...section(3, [1, 0]),
  ...section(6, [1, 0x7f, 0, 0x41, 1, 0x0b]),
  ...section(7, [
    FUNCTIONS.length + GLOBALS.length,
    ...FUNCTIONS.flatMap((name) => exported(name, 0, 0)),
    ...GLOBALS.flatMap((name) => exported(name, 3, 0)),
  ]),
  ...section(10, [1, 4, 0, 0x41, 0, 0x0b]),
);
