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
    grow(pages: number): number;
  }
  interface Global {
    value: number;
  }
  interface ModuleImport {
    readonly module: string;
    readonly name: string;
    readonly kind: string;
  }
  const Memory: new (limits: { readonly initial: number; readonly maximum: number }) => Memory;
  const Instance: new (
    module: Module,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => Instance;
  const Module: {
    new (bytes: Uint8Array): Module;
    imports(module: Module): readonly ModuleImport[];
    exports(module: Module): readonly Pick<ModuleImport, "name" | "kind">[];
  };
  function validate(bytes: Uint8Array): boolean;
  function compile(bytes: Uint8Array): Promise<Module>;
}
