import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileRego } from "./compile.ts";
import { createInlineEvaluator } from "./inline-evaluator.ts";
import { FUEL_EXPORT, meterModule } from "./metering.ts";
import { opaFor } from "./opa.fixture.ts";
import { policyText } from "./policy.fixture.ts";
import { numberBytes } from "./wasm-bytes.ts";
import { compileMetered } from "./wasm-module.ts";

const vector = (...entries: readonly (readonly number[])[]) => [entries.length, ...entries.flat()];
const section = (id: number, content: readonly number[]) => [id, ...numberBytes(content.length), ...content];
const text = (name: string) => [name.length, ...Buffer.from(name)];

const BLOCK = [0x02, 0x40];
const LOOP = [0x03, 0x40];
const END = 0x0b;

/** A module with one function "f", which takes a number and gives none, and whose code this is. */
function moduleOf(
  code: readonly number[],
  { globals = [[0x7f, 0x01, 0x41, 0x07, END]], imports = vector() } = {},
) {
  const body = [...vector(), ...code, END];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector([0x60, 1, 0x7f, 0])),
    ...section(2, imports),
    ...section(3, vector([0x00])),
    ...section(5, vector([0x00, 0x01])),
    ...section(6, vector(...globals)),
    ...section(7, vector([...text("f"), 0x00, 0x00])),
    ...section(10, vector([...numberBytes(body.length), ...body])),
  ]);
}

/** Runs the metered module; what of its fuel is left, or "trapped". */
function run(module: Uint8Array, fuel: number, argument = 0): number | "trapped" {
  const metered = meterModule(module);
  assert.ok(metered !== undefined);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(metered), {});
  const counter = exports[FUEL_EXPORT] as WebAssembly.Global;
  counter.value = fuel;
  try {
    (exports.f as (n: number) => void)(argument);
    return counter.value;
  } catch (thrown) {
    assert.match(String(thrown), /unreachable/);
    return "trapped";
  }
}

/** Counts its argument down to zero. */
const COUNTDOWN = moduleOf([...LOOP, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, END]);

const ENDLESS: readonly (readonly [string, readonly number[]])[] = [
  ["a loop", [...LOOP, 0x0c, 0, END]],
  ["a loop within a block within a loop", [...LOOP, ...BLOCK, ...LOOP, 0x0c, 1, END, END, 0x0c, 0, END]],
  ["a loop by way of a table", [...LOOP, ...BLOCK, 0x20, 0, 0x0e, 1, 1, 0, END, 0x0c, 0, END]],
  ["a loop that only goes on in an arm", [...LOOP, 0x41, 1, 0x04, 0x40, 0x0c, 1, 0x05, 0x0f, END, END]],
  ["a function that calls itself, twice", [0x20, 0, 0x10, 0, 0x20, 0, 0x10, 0, ...LOOP, 0x0c, 0, END]],
];
for (const [name, code] of ENDLESS) {
  test(`${name} ends when its fuel is used up`, () => {
    for (const fuel of [0, 1, 1_000, 100_000]) assert.equal(run(moduleOf(code), fuel), "trapped");
  });
}

test("fuel is used by every turn of a loop, and what fits into it runs to its end", () => {
  const used = (turns: number) => {
    const left = run(COUNTDOWN, 1_000_000, turns);
    assert.ok(left !== "trapped");
    return 1_000_000 - left;
  };
  const perTurn = used(2) - used(1);
  assert.ok(perTurn > 0);
  assert.equal(used(1_000), used(1) + 999 * perTurn);
  assert.notEqual(run(COUNTDOWN, used(50), 50), "trapped");
  assert.equal(run(COUNTDOWN, used(50) - 1, 50), "trapped");
});

test("code without a loop costs what its dearest way costs", () => {
  const work = (n: number) => Array.from({ length: n }, () => [0x20, 0, 0x45, 0x1a]).flat();
  const used = (code: readonly number[], argument = 0) => {
    const left = run(moduleOf(code), 1_000_000, argument);
    assert.ok(left !== "trapped");
    return 1_000_000 - left;
  };
  const [none, straight] = [used([]), used(work(60))];
  assert.equal(straight - none, 60);
  const arms = [0x20, 0, 0x04, 0x40, ...work(10), 0x05, ...work(60), END];
  assert.equal(used(arms) - straight, 1);
  assert.equal(used(arms, 1), used(arms, 0));
  // What only a jump leads to costs what the jump's way costs besides.
  assert.equal(used([...BLOCK, 0x0c, 0, END, ...work(60)]) - straight, 1);
  assert.equal(used([...BLOCK, ...BLOCK, ...LOOP, 0x0c, 2, END, END, END, ...work(60)]) - straight, 5);
  // What follows a jump is reached by nobody, and what is jumped over still counts.
  assert.equal(used([...BLOCK, 0x0c, 0, ...work(60), END]) - none, 1);
  assert.equal(used([...BLOCK, 0x20, 0, 0x0d, 0, ...work(60), END], 1) - straight, 1);
});

test("what is not known here is not metered", () => {
  const unknown: readonly (readonly [string, Uint8Array])[] = [
    ["nothing", new Uint8Array()],
    ["another version", Uint8Array.from([0x00, 0x61, 0x73, 0x6d, 0x02, 0x00, 0x00, 0x00])],
    ["half a module", COUNTDOWN.subarray(0, COUNTDOWN.length - 3)],
    ["an end too many", moduleOf([END])],
    ["an else without if", moduleOf([...BLOCK, 0x05, END])],
    ["memory in bulk", moduleOf([0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 0x0b, 0])],
    ["a vector instruction", moduleOf([0xfd, 0x0c, ...Array.from({ length: 16 }, () => 0), 0x1a])],
    ["a tail call", moduleOf([0x20, 0, 0x12, 0])],
    ["a jump out of the function", moduleOf([0x0c, 1])],
    ["the counter itself", moduleOf([0x41, 0, 0x24, 1])],
    [
      "a global from outside",
      moduleOf([], { imports: vector([...text("e"), ...text("g"), 0x03, 0x7f, 0x00]) }),
    ],
  ];
  for (const [name, bytes] of unknown) assert.equal(meterModule(bytes), undefined, name);
  assert.notEqual(meterModule(moduleOf([0x41, 0, 0x24, 0])), undefined, "a global of its own");
});

test("a module that grows its memory pays for it where it does", () => {
  const grow = [0x41, 0, 0x40, 0, 0x1a];
  const left = run(moduleOf(grow), 1_000_000);
  const past = run(moduleOf([0x20, 0, 0x04, 0x40, ...grow, END]), 1_000_000);
  assert.ok(left !== "trapped" && past !== "trapped" && past - left > 900);
});

test("a module that somebody has changed is refused, does not compile, or still ends", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const { wasm } = await compileRego({
    source: policyText(`decision := {"allow": count([x | some x in input.args.list; x > 3]) > 1}`),
    opaPath,
  });
  const input = JSON.stringify({ args: { list: [1, 2, 3, 4, 5] } });
  const codeStart = Buffer.from(wasm).indexOf("entrypoints");
  const place = fc.oneof(
    fc.nat(wasm.byteLength - 1),
    fc.integer({ min: codeStart, max: wasm.byteLength - 1 }),
  );
  const edits = fc.array(fc.tuple(place, fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
  const seen = { refused: 0, invalid: 0, ran: 0 };
  await fc.assert(
    fc.asyncProperty(edits, async (changes) => {
      const bytes = Uint8Array.from(wasm);
      for (const [at, byte] of changes) bytes[at] = byte;
      const metered = meterModule(bytes);
      if (metered === undefined) seen.refused += 1;
      // The meter neither makes a bad module good nor a good one bad.
      else if (WebAssembly.validate(bytes)) assert.ok(WebAssembly.validate(metered));
      const module = await compileMetered(bytes);
      if (module === undefined) {
        seen.invalid += 1;
        return;
      }
      const evaluator = createInlineEvaluator({ module, dataJson: "{}", fuel: 300_000 });
      const told = evaluator?.evaluate(input);
      assert.ok(told === undefined || typeof told === "string");
      seen.ran += 1;
    }),
    { numRuns: 300 },
  );
  assert.ok(
    Object.values(seen).every((count) => count > 5),
    JSON.stringify(seen),
  );
});
