import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileRego } from "./compile.ts";
import { createEvaluator, type Evaluation } from "./evaluator.ts";
import { opaFor } from "./opa.fixture.ts";
import { policyText } from "./policy.fixture.ts";
import { compileModule } from "./wasm-module.ts";

const CONFLICT = ["decision := 1 if input.tool", `decision := 2 if input.tool == "both"`];

async function evaluatorOf(opaPath: string, lines: readonly string[], memoryPagesMax = 64, data = {}) {
  const { wasm, dataJson } = await compileRego({ source: policyText(...lines), data, opaPath });
  return createEvaluator({ module: await compileModule(wasm), dataJson, memoryPagesMax });
}

const resultOf = (evaluation: Evaluation): unknown =>
  evaluation.kind === "result" ? JSON.parse(evaluation.text) : evaluation;

test("a policy sees exactly the value that was serialised, whatever text and numbers it holds", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const evaluator = await evaluatorOf(opaPath, ["decision := input"]);
  const json = fc.jsonValue({ maxDepth: 6, stringUnit: "binary", noUnicodeString: false });
  fc.assert(
    fc.property(json, (value) => {
      const text = JSON.stringify({ value });
      assert.deepEqual(resultOf(evaluator.evaluate(text)), [{ result: JSON.parse(text) }]);
    }),
    { numRuns: 500 },
  );
});

test("data is what was compiled with the policy", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const data = { limits: { "agent-7": 12.5 }, text: "naïve ☃ \u0000" };
  const evaluator = await evaluatorOf(
    opaPath,
    ["decision := [data.limits[input.agent_id], data.text]"],
    64,
    data,
  );
  assert.deepEqual(resultOf(evaluator.evaluate(`{"agent_id":"agent-7"}`)), [{ result: [12.5, data.text] }]);
});

test("an undefined decision is an empty result set", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const evaluator = await evaluatorOf(opaPath, CONFLICT);
  assert.deepEqual(resultOf(evaluator.evaluate("{}")), []);
});

test("rules that contradict each other are a failure, and the next evaluation is sound", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const evaluator = await evaluatorOf(opaPath, CONFLICT);
  for (let round = 0; round < 3; round += 1) {
    const conflict = evaluator.evaluate(`{"tool":"both"}`);
    assert.ok(conflict.kind === "failure");
    assert.match(conflict.detail, /conflict/);
    assert.deepEqual(resultOf(evaluator.evaluate(`{"tool":"one"}`)), [{ result: 1 }]);
  }
});

test("memory is bounded, and running out of it is a failure of that evaluation only", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const rules = [
    `decision := count([[a, b] | some a in numbers.range(1, input.n); some b in numbers.range(1, 1000)])`,
  ];
  const evaluator = await evaluatorOf(opaPath, rules, 32);
  assert.deepEqual(resultOf(evaluator.evaluate(`{"n":1}`)), [{ result: 1000 }]);
  assert.deepEqual(evaluator.evaluate(`{"n":1000}`), { kind: "failure", detail: "opa_malloc: failed" });
  assert.deepEqual(resultOf(evaluator.evaluate(`{"n":2}`)), [{ result: 2000 }]);
});

test("an input that does not fit, or nests too deep, is a failure and harms nothing", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const evaluator = await evaluatorOf(opaPath, ["decision := count(input.x)"], 32);
  assert.equal(evaluator.evaluate(JSON.stringify({ x: "x".repeat(4_000_000) })).kind, "failure");
  const deep = `{"x":${"[".repeat(200_000)}${"]".repeat(200_000)}}`;
  assert.equal(evaluator.evaluate(deep).kind, "failure");
  assert.deepEqual(resultOf(evaluator.evaluate(`{"x":"abc"}`)), [{ result: 3 }]);
});

test("a result too long to be a decision is a failure", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const evaluator = await evaluatorOf(opaPath, ["decision := input"]);
  const evaluation = evaluator.evaluate(JSON.stringify({ x: "x".repeat(300_000) }));
  assert.deepEqual(evaluation, { kind: "failure", detail: "the result is longer than 262144 characters" });
});

test("memory does not grow with the number of evaluations", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const rules = ["decision := count([x | some x in numbers.range(1, 500); x > count(input.s)])"];
  // Five thousand evaluations that leaked would not fit into two megabytes.
  const evaluator = await evaluatorOf(opaPath, rules, 32);
  for (let round = 0; round < 5_000; round += 1) {
    const evaluation = evaluator.evaluate(`{"s":"${round}"}`);
    assert.equal(evaluation.kind, "result", `round ${round}: ${JSON.stringify(evaluation)}`);
  }
});

test("a module that wants a builtin which nobody lends does not start", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const { wasm } = await compileRego({ source: policyText(`decision := sprintf("%d", [1])`), opaPath });
  const bytes = Buffer.from(wasm);
  bytes.write("sprintF", bytes.indexOf("sprintf\0"), "latin1");
  const module = await compileModule(bytes);
  assert.throws(
    () => createEvaluator({ module, dataJson: "{}", memoryPagesMax: 64 }),
    /the builtin sprintF is not available/,
  );
});
