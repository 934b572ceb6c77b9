import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@postern/contracts";
import fc from "fast-check";
import { compileRego } from "./compile.ts";
import { createEvaluator } from "./evaluator.ts";
import { createInlineEvaluator, EVALUATION_FUEL } from "./inline-evaluator.ts";
import { opaFor } from "./opa.fixture.ts";
import { policyText } from "./policy.fixture.ts";
import { compileMetered, compileModule } from "./wasm-module.ts";

async function evaluatorsOf(opaPath: string, lines: readonly string[], data: JsonObject = {}) {
  const { wasm, dataJson } = await compileRego({ source: policyText(...lines), data, opaPath });
  const module = await compileMetered(wasm);
  assert.ok(module !== undefined);
  const plain = createEvaluator({ module: await compileModule(wasm), dataJson, memoryPagesMax: 512 });
  const inline = (fuel = EVALUATION_FUEL) => {
    const evaluator = createInlineEvaluator({ module, dataJson, fuel });
    assert.ok(evaluator !== undefined);
    return evaluator;
  };
  return { plain, inline };
}

const MIXED = [
  `default decision := {"allow": false}`,
  `decision := {"allow": true, "rule": r} if {
	words := [w | some w in split(lower(input.tool), "_"); not w in data.noise]
	sizes := {w: n | some w in words; n := count(w) * input.args.amount}
	sum([n | some n in sizes]) > 10
	r := concat("-", sort(words))
}`,
];
const NOISE = { noise: ["the", "of", "élan"] };

test("with any amount of fuel the answer is the module's own, or none", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const { plain, inline } = await evaluatorsOf(opaPath, MIXED, NOISE);
  const ample = inline();
  const words = fc.array(fc.constantFrom("read", "THE", "of", "file", "Élan", "☃", ""), { maxLength: 6 });
  const amounts = fc.oneof(
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constant("7"),
  );
  const seen = { answered: 0, empty: 0 };
  fc.assert(
    fc.property(words, amounts, fc.double({ min: 0, max: 1.2, noNaN: true }), (tool, amount, share) => {
      const input = JSON.stringify({ tool: tool.join("_"), args: { amount } });
      const expected = plain.evaluate(input);
      assert.ok(expected.kind === "result");
      const whole = ample.evaluate(input);
      assert.deepEqual(JSON.parse(whole ?? "null"), JSON.parse(expected.text));
      const starved = inline(Math.floor(share * ample.spent() * EVALUATION_FUEL));
      // Twice, since the second begins where the first was cut short.
      for (const told of [starved.evaluate(input), starved.evaluate(input)]) {
        assert.ok(told === undefined || told === whole);
        seen[told === undefined ? "empty" : "answered"] += 1;
        if (share > 1) assert.equal(told, whole);
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(seen.answered > 20 && seen.empty > 20, JSON.stringify(seen));
});

test("an evaluator that was cut short at any point answers the next input as ever", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const rules = [
    `decision := {"allow": count({[a, b] | some a in numbers.range(1, input.n); some b in numbers.range(1, 20)}) >= 0}`,
  ];
  const { plain, inline } = await evaluatorsOf(opaPath, rules);
  const ask = (n: number) => JSON.stringify({ n });
  const expected = plain.evaluate(ask(2));
  const starved = inline(1_500_000);
  for (let n = 20; n < 60; n += 1) {
    assert.equal(starved.evaluate(ask(n * 10)), undefined);
    assert.equal(starved.spent(), 1);
    assert.deepEqual({ kind: "result", text: starved.evaluate(ask(2)) }, expected, `after ${n}`);
  }
});

test("being cut short deep within, again and again, uses nothing up", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const { inline } = await evaluatorsOf(opaPath, [`decision := {"allow": count(input.list) >= 0}`]);
  const starved = inline(100_000);
  const deep = `{"list":${"[".repeat(1_000)}${"]".repeat(1_000)}}`;
  for (let round = 0; round < 3_000; round += 1) assert.equal(starved.evaluate(deep), undefined);
  assert.equal(starved.evaluate(`{"list":[]}`), `[{"result":{"allow":true}}]`);
});

test("a policy sees exactly the value that was serialised, whatever text and numbers it holds", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const inline = (await evaluatorsOf(opaPath, ["decision := input"])).inline();
  const json = fc.jsonValue({ maxDepth: 6, stringUnit: "binary", noUnicodeString: false });
  fc.assert(
    fc.property(json, (value) => {
      const text = JSON.stringify({ value });
      const told = inline.evaluate(text);
      assert.deepEqual(JSON.parse(told ?? "null"), [{ result: JSON.parse(text) }]);
    }),
    { numRuns: 500 },
  );
});

test("what fails, is too much or needs the host has no answer here, and the next input has", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const inline = (
    await evaluatorsOf(opaPath, [
      `decision := {"allow": true} if input.tool in {"fine", "both"}`,
      `decision := {"allow": false} if input.tool == "both"`,
      `decision := {"allow": true, "reason": sprintf("%d", [1])} if input.tool == "host"`,
      `decision := {"allow": count(concat(",", [s | some i in numbers.range(1, 9999); s := input.text])) > 0} if input.tool == "large"`,
      `decision := {"allow": true, "list": [s | some i in numbers.range(1, 30); s := input.text]} if input.tool == "talkative"`,
    ])
  ).inline(20 * EVALUATION_FUEL);
  for (const tool of ["both", "host", "large", "talkative"]) {
    assert.equal(inline.evaluate(JSON.stringify({ tool, text: "x".repeat(10_000) })), undefined, tool);
    assert.equal(inline.evaluate(`{"tool":"fine"}`), `[{"result":{"allow":true}}]`, `after ${tool}`);
  }
  assert.equal(inline.evaluate(`{"tool":"none"}`), "[]");
});

test("nothing grows with the number of evaluations", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const rules = ["decision := count([x | some x in numbers.range(1, 500); x > count(input.s)])"];
  const inline = (await evaluatorsOf(opaPath, rules)).inline();
  // Five thousand evaluations that leaked would not fit into eight megabytes.
  for (let round = 0; round < 5_000; round += 1)
    assert.notEqual(inline.evaluate(`{"s":"${round}"}`), undefined);
});

test("a policy that cannot be loaded within bounds is not loaded at all", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const { wasm } = await compileRego({ source: policyText(`decision := sprintf("%d", [1])`), opaPath });
  const module = await compileMetered(wasm);
  assert.ok(module !== undefined);
  assert.notEqual(createInlineEvaluator({ module, dataJson: "{}" }), undefined);
  const vast = JSON.stringify(Array.from({ length: 200_000 }, (_, n) => ({ n })));
  assert.equal(createInlineEvaluator({ module, dataJson: vast }), undefined, "data beyond measure");
  assert.equal(createInlineEvaluator({ module, dataJson: "{" }), undefined, "data that is none");
  const bytes = Buffer.from(wasm);
  bytes.write("sprintF", bytes.indexOf("sprintf\0"), "latin1");
  const unlent = await compileMetered(bytes);
  assert.ok(unlent !== undefined);
  assert.equal(
    createInlineEvaluator({ module: unlent, dataJson: "{}" }),
    undefined,
    "a builtin that nobody lends",
  );
});
