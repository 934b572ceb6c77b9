// postern policy test: runs the Rego tests next to a policy.
import { testRego } from "@postern/policy/compile";
import { columns } from "../columns.ts";
import { command } from "../command.ts";
import { REGO_OPTIONS, readData, readRego, uncompiled } from "../rego-source.ts";
import { snakeKeys } from "../wire-names.ts";

export const policyTest = command({
  name: "policy test",
  summary: "Run Rego tests.",
  usage: "<file or folder…>",
  details:
    "All the files given are compiled together: give one policy's folder. Exit code 1: a test failed, there is none, or the Rego does not compile.",
  positionals: { min: 1, max: 64 },
  options: REGO_OPTIONS,
  example: "postern policy test deploy/policies/business-hours",
  async run({ options, positionals }, { config }) {
    const source = await readRego(positionals);
    const request = { source, opaPath: config().opa, ...(await readData(options.data)) };
    const report = await testRego(request).catch(uncompiled);
    if ("message" in report) return { ok: false, json: { ok: false, ...report }, text: report.message };
    const { passed, failed, skipped, results } = report;
    const rows = results.map((one) => [
      one.outcome,
      `${one.package}.${one.name}`,
      `${one.file}:${one.row}`,
      one.message ?? "",
    ]);
    const ok = passed > 0 && failed === 0;
    const summary =
      results.length === 0
        ? "There are no tests."
        : `${passed} passed, ${failed} failed, ${skipped} skipped.`;
    return {
      ok,
      json: { ok, ...Object(snakeKeys(report)) },
      text: `${columns(rows)}\n${summary}`.trimStart(),
    };
  },
});
