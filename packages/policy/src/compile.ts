// Rego → WebAssembly by OPA itself, against our own capabilities. What OPA says about a bad policy reaches its author verbatim.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { type JsonObject, POLICY_ENTRYPOINT, POLICY_PACKAGE } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { CAPABILITIES_PATH, capabilitiesSha256 } from "./capabilities.ts";
import { inputPathsOf } from "./input-paths.ts";
import { type OpaOptions, runOpa } from "./opa-process.ts";
import { isTestFile, type RegoSource, regoFiles, withRegoFolder } from "./rego-sources.ts";
import { unpackTar } from "./tar.ts";

export { checkRego, type RegoProblem, type RegoReport, type TestReport, testRego } from "./check-rego.ts";
export type { RegoSource } from "./rego-sources.ts";

export interface CompileRequest {
  /** Files ending in `_test.rego` are left out. */
  readonly source: RegoSource;
  /** The document that policies read as `data`; default {}. */
  readonly data?: JsonObject;
  readonly opaPath: string;
  /** For each of the few `opa` commands; default 20,000. */
  readonly timeoutMs?: number;
}

/** What a bundle is made of. Everything but `wasm` survives a round trip through JSON. */
export interface CompiledPolicy {
  readonly wasm: Uint8Array;
  readonly dataJson: string;
  readonly inputPaths: readonly string[];
  readonly capabilitiesSha256: string;
  /** Such as "opa 1.21.3". */
  readonly compiler: string;
  /** Rego text by path. */
  readonly sources: Readonly<Record<string, string>>;
}

const DATA_BYTES_MAX = 8 * 1024 * 1024;
const OUTPUT_BYTES_MAX = 32 * 1024 * 1024;
const MESSAGE_CHARS_MAX = 16 * 1024;

/**
 * Compiles a policy: package `intentgate.policy` (and packages below it), rule `decision`.
 * Faults: invalid `policy.rego` whose message is OPA's own text; those of the sources and of the compiler.
 */
export async function compileRego(request: CompileRequest): Promise<CompiledPolicy> {
  const { data = {}, opaPath, timeoutMs = 20_000 } = request;
  const sources = new Map([...regoFiles(request.source)].filter(([path]) => !isTestFile(path)));
  const dataJson = JSON.stringify(data);
  if (Buffer.byteLength(dataJson) > DATA_BYTES_MAX) {
    throw new Fault("too_large", "policy.data", `The policy's data is larger than ${DATA_BYTES_MAX} bytes.`);
  }
  return withRegoFolder(sources, data, async (folder, paths) => {
    const opa: OpaOptions = { opaPath, folder, timeoutMs };
    const wasm = await build(paths, opa);
    const modules = [];
    for (const path of sources.keys()) modules.push({ path, tree: await parse(path, opa) });
    for (const { path, tree } of modules) requirePackage(path, tree);
    return {
      wasm,
      dataJson,
      inputPaths: inputPathsOf(modules.map((module) => module.tree)),
      capabilitiesSha256: await capabilitiesSha256(),
      compiler: await version(opa),
      sources: Object.fromEntries(sources),
    };
  });
}

async function build(paths: readonly string[], opa: OpaOptions): Promise<Uint8Array> {
  const options = ["-t", "wasm", "-e", POLICY_ENTRYPOINT, "--capabilities", CAPABILITIES_PATH];
  await succeed(["build", ...options, "-o", "bundle.tar.gz", ...paths], opa);
  const packed = await readFile(join(opa.folder, "bundle.tar.gz"));
  const files = await unpackTar(gunzipSync(packed, { maxOutputLength: OUTPUT_BYTES_MAX }));
  const wasm = files.find((file) => file.path === "/policy.wasm");
  if (wasm !== undefined) return wasm.bytes;
  throw new Fault("internal", "policy.compiler_output", "OPA's bundle holds no WebAssembly module.");
}

async function parse(path: string, opa: OpaOptions): Promise<unknown> {
  return JSON.parse(await succeed(["parse", "--format", "json", path], opa));
}

async function version(opa: OpaOptions): Promise<string> {
  return `opa ${/^Version: (\S{1,32})$/m.exec(await succeed(["version"], opa))?.[1] ?? "unknown"}`;
}

/** Standard output of a command that must succeed. */
async function succeed(args: readonly string[], opa: OpaOptions): Promise<string> {
  const { succeeded, stdout, stderr } = await runOpa(args, opa);
  if (!succeeded) throw refused(`${stderr}${stdout}`.trim().slice(0, MESSAGE_CHARS_MAX));
  return stdout;
}

function requirePackage(path: string, tree: unknown): void {
  const name = packageOf(tree);
  if (name === POLICY_PACKAGE || name.startsWith(`${POLICY_PACKAGE}.`)) return;
  throw refused(`${path}: package must be ${POLICY_PACKAGE} or below it, not ${name}`);
}

/** Dotted package name; OPA prints it as the terms of a reference that starts at `data`. */
function packageOf(tree: unknown): string {
  const terms = (tree as { package: { path: readonly { value: string }[] } }).package.path;
  return terms
    .slice(1)
    .map((term) => term.value)
    .join(".");
}

function refused(message: string): Fault {
  return new Fault("invalid", "policy.rego", message);
}
