// The part of the WebAssembly JavaScript interface that is used here: TypeScript keeps it in the library of browsers only.
declare namespace WebAssembly {
  interface Module {
    readonly [Symbol.toStringTag]: "WebAssembly.Module";
  }
  interface Instance {
    readonly exports: Readonly<Record<string, unknown>>;
  }
  interface Memory {
    readonly buffer: ArrayBuffer;
  }
  interface ModuleImport {
    readonly module: string;
    readonly name: string;
    readonly kind: string;
  }
  const Module: {
    imports(module: Module): readonly ModuleImport[];
    exports(module: Module): readonly Pick<ModuleImport, "name" | "kind">[];
  };
  function compile(bytes: Uint8Array): Promise<Module>;
}
