// The policies in this repository: the default and the examples. Their own tests pass, Go's evaluator and ours agree on them, and
// what they are said to read is all that they read.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { JsonObject, JsonValue, PolicyInput } from "@postern/contracts";
import { defer, repositoryRoot, temporaryDirectory } from "@postern/testkit";
import fc from "fast-check";
import { checkRego, testRego } from "./compile.ts";
import { readDecision } from "./decision-result.ts";
import { readDefaultPolicy } from "./default-policy.ts";
import { createPolicyEngine, type PolicyVerdict } from "./engine.ts";
import { opaFor } from "./opa.fixture.ts";
import { createBundlePress, inputOf, OPENED_AT_MS, questionOf } from "./policy.fixture.ts";
import type { PolicyQuestion } from "./policy-input.ts";

/** Folder → the input paths that the compiler must find. */
const POLICIES: Readonly<Record<string, readonly string[]>> = {
  "packages/policy/default": [
    "action",
    "args.a",
    "args.amount",
    "args.amount_eur",
    "args.b",
    "args.data",
    "args.uri",
    "method",
    "tool",
  ],
  "deploy/policies/business-hours": ["action", "time.hour", "time.weekday", "tool"],
  "deploy/policies/least-privilege-by-agent": ["action", "agent_id", "args.amount", "tool", "upstream"],
};

/** Inputs for each policy. */
const INPUTS = 1_000;

interface ShippedPolicy {
  readonly source: Readonly<Record<string, string>>;
  readonly data: JsonObject;
}

function shippedPolicy(folder: string): ShippedPolicy {
  const path = join(repositoryRoot, folder);
  const names = readdirSync(path).filter((name) => name.endsWith(".rego"));
  const source = Object.fromEntries(names.map((name) => [name, readFileSync(join(path, name), "utf8")]));
  const dataPath = join(path, "data.json");
  const data = existsSync(dataPath) ? (JSON.parse(readFileSync(dataPath, "utf8")) as JsonObject) : {};
  return { source, data };
}

const names = [
  ...["read_file", "get-sum", "add", "list_vendors", "search", "readjust", "echo", "printEnv", "get-env"],
  ...[
    "delete_file",
    "drop_table",
    "factory-reset",
    "transfer_funds",
    "transfer_all",
    "gzip-file-as-resource",
  ],
  ...["grant_role", "record_in_ledger", "read_invoice", "", "_", "-", "ÉCHO", "get_sécret"],
];
const numbers = fc.oneof(
  fc.constantFrom(0, 1, -1, 9_999.99, 10_000, 10_000.01, 25_000, 1e6, 1e6 + 1, 1e21, 1e-7, 5e-324),
  fc.integer(),
  fc.double({ noDefaultInfinity: true, noNaN: true }),
);
const values: fc.Arbitrary<JsonValue> = fc.oneof(
  { weight: 3, arbitrary: numbers },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<JsonValue> },
  {
    weight: 1,
    arbitrary: fc.constantFrom("data:text/plain,x", "https://example.com/", "file:///app/.ENV", "10000", ""),
  },
);
const argNames = fc.constantFrom("a", "b", "amount", "amount_eur", "data", "path", "uri");
/** 2026-01-04 was a Sunday. */
const SUNDAY_MS = Date.UTC(2026, 0, 4);
const calls: fc.Arbitrary<PolicyQuestion> = fc
  .record({
    action: fc.constantFrom("call" as const, "list" as const),
    method: fc.constantFrom("tools/call", "tools/call", "tools/call", "resources/read", "prompts/get", "x/y"),
    tool: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(...names) },
      { weight: 1, arbitrary: fc.string() },
    ),
    args: fc.dictionary(argNames, values, { maxKeys: 4 }),
    agent: fc.constantFrom("invoice-clerk", "treasurer", "stranger"),
    upstream: fc.constantFrom("ledger", "bank", "default"),
    hour: fc.integer({ min: 0, max: 167 }),
  })
  // What is printed is what is judged: -0 becomes 0, and keys such as __proto__ are plain keys.
  .map(({ hour, args, ...call }) =>
    questionOf({ ...call, args: JSON.parse(JSON.stringify(args)), nowMs: SUNDAY_MS + hour * 3_600_000 }),
  );

const questions = fc.sample(calls, { numRuns: INPUTS, seed: 20_260_102 });
const inputs = questions.map(inputOf);

async function engineWith(
  t: TestContext,
  opaPath: string,
  { source, data }: ShippedPolicy,
  paths?: readonly string[],
) {
  const bundle = await (await createBundlePress(opaPath)).open(source, { data });
  const engine = createPolicyEngine({
    deadlineMs: 10_000,
    clock: { nowMs: () => OPENED_AT_MS, monotonicMs: () => 0 },
  });
  defer(t, () => engine.close());
  const manifest = { ...bundle.manifest, ...(paths && { input_paths: [...paths] }) };
  await engine.load({ ...bundle, manifest });
  const judge = () => Promise.all(questions.map((question) => engine.evaluate("acme", question)));
  return { bundle, judge };
}

const told = (verdict: PolicyVerdict) => (verdict.ok ? verdict.decision : verdict.reason.code);

/** What Go's evaluator decides, in one process for all inputs. */
function judgedByGo(
  t: TestContext,
  opaPath: string,
  { source, data }: ShippedPolicy,
  given: readonly PolicyInput[],
) {
  const folder = temporaryDirectory(t);
  for (const [name, text] of Object.entries(source)) writeFileSync(join(folder, name), text);
  writeFileSync(join(folder, "data.json"), JSON.stringify(data));
  writeFileSync(join(folder, "calls.json"), JSON.stringify({ calls: given }));
  const query =
    "[found | some call in input.calls; found := [d | d := data.intentgate.policy.decision with input as call]]";
  const files = [...Object.keys(source), "data.json"].flatMap((name) => ["--data", name]);
  const printed = execFileSync(
    opaPath,
    ["eval", "--format", "json", "--input", "calls.json", ...files, query],
    {
      cwd: folder,
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  const found: readonly unknown[][] = JSON.parse(printed.toString()).result[0].expressions[0].value;
  return found.map((decisions) => {
    const result = readDecision(JSON.stringify(decisions.map((decision) => ({ result: decision }))));
    return result.ok ? result.decision : result.code;
  });
}

test("the default policy is the text in its file", () => {
  assert.equal(readDefaultPolicy(), shippedPolicy("packages/policy/default").source["policy.rego"]);
});

test("the shipped policies pass their own tests, and strict mode has nothing to say", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  for (const folder of Object.keys(POLICIES)) {
    const { source, data } = shippedPolicy(folder);
    const { passed, results } = await testRego({ source, data, opaPath });
    assert.deepEqual(
      results.filter(({ outcome }) => outcome !== "pass"),
      [],
      folder,
    );
    assert.ok(passed > 3, `${folder} has tests`);
    assert.deepEqual(await checkRego({ source, data, opaPath }), { problems: [] }, folder);
  }
});

test("Go's evaluator and ours agree on the shipped policies", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  for (const folder of Object.keys(POLICIES)) {
    const policy = shippedPolicy(folder);
    const { judge } = await engineWith(t, opaPath, policy);
    const ours = (await judge()).map(told);
    const theirs = judgedByGo(t, opaPath, policy, inputs);
    assert.equal(theirs.length, INPUTS);
    for (const [index, input] of inputs.entries()) {
      assert.deepEqual(ours[index], theirs[index], `${folder}: ${JSON.stringify(input)}`);
    }
    const rules = new Set(ours.map((decision) => (typeof decision === "object" ? decision.rule : decision)));
    assert.ok(rules.size >= 3, `${folder}: the inputs reach only ${[...rules].join(", ")}`);
  }
});

test("a shipped policy decides the same whether it sees all of the input or what it is said to read", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  for (const [folder, paths] of Object.entries(POLICIES)) {
    const policy = shippedPolicy(folder);
    const { bundle, judge } = await engineWith(t, opaPath, policy);
    assert.deepEqual(bundle.manifest.input_paths, paths, folder);
    const whole = await engineWith(t, opaPath, policy, ["*"]);
    assert.deepEqual((await judge()).map(told), (await whole.judge()).map(told), folder);
  }
});
