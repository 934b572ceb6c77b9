// postern policy check: whether Rego compiles to a policy that a sidecar can run. The compiler's own words are shown as they are.
import { compileRego } from "@postern/policy/compile";
import { command } from "../command.ts";
import { REGO_OPTIONS, readData, readRego, uncompiled } from "../rego-source.ts";

export const policyCheck = command({
  name: "policy check",
  summary: "Compile Rego as the control plane would.",
  usage: "<file or folder…>",
  details: "Tests (*_test.rego) are left out. Exit code 1: it does not compile.",
  positionals: { min: 1, max: 64 },
  options: REGO_OPTIONS,
  example: "postern policy check policy.rego",
  async run({ options, positionals }, { config }) {
    const request = {
      source: await readRego(positionals),
      opaPath: config().opa,
      ...(await readData(options.data)),
    };
    const compiled = await compileRego(request).catch(uncompiled);
    if ("message" in compiled) return { ok: false, json: { ok: false, ...compiled }, text: compiled.message };
    const { inputPaths, wasm, compiler, sources } = compiled;
    const files = Object.keys(sources);
    return {
      ok: true,
      json: { ok: true, files, input_paths: inputPaths, wasm_bytes: wasm.byteLength, compiler },
      text: `${files.join(", ")}: compiles to ${wasm.byteLength} bytes, and reads ${inputPaths.join(", ") || "no input"}.`,
    };
  },
});
