import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryDirectory } from "@postern/testkit";
import { CAPABILITIES_PATH } from "./capabilities.ts";
import { compileRego } from "./compile.ts";
import { createEvaluator } from "./evaluator.ts";
import { opaFor } from "./opa.fixture.ts";
import { policyText } from "./policy.fixture.ts";
import { compileModule } from "./wasm-module.ts";

/** Builtin → an expression that uses it. */
const USES: Readonly<Record<string, string>> = {
  abs: "abs(-2.5)",
  and: "{1, 2} & {2, 3}",
  "array.concat": "array.concat([1], [2])",
  "array.flatten": "array.flatten([1, [2, [3]]])",
  "array.reverse": "array.reverse([1, 2])",
  "array.slice": "array.slice([1, 2, 3], 1, 2)",
  assign: "[y | y := 1]",
  "base64.decode": `base64.decode("aGk=")`,
  "base64.encode": `base64.encode("hi")`,
  "base64.is_valid": `base64.is_valid("?")`,
  "base64url.decode": `base64url.decode("aGk_")`,
  "base64url.encode": `base64url.encode("hi?>")`,
  "bits.and": "bits.and(6, 3)",
  "bits.lsh": "bits.lsh(1, 4)",
  "bits.negate": "bits.negate(1)",
  "bits.or": "bits.or(4, 1)",
  "bits.rsh": "bits.rsh(8, 2)",
  "bits.xor": "bits.xor(6, 3)",
  ceil: "ceil(1.2)",
  concat: `concat("-", ["a", "b"])`,
  contains: `contains("abc", "b")`,
  count: `count("añb")`,
  div: "7 / 2",
  endswith: `endswith("abc", "bc")`,
  eq: "[y | y = 1]",
  equal: "[y | some y in [1, 2]; y == 2]",
  floor: "floor(1.8)",
  format_int: "format_int(255, 16)",
  "glob.match": `glob.match("*.example.com", ["."], "api.example.com")`,
  "graph.reachable": `sort(graph.reachable({"a": ["b"], "b": ["c"], "c": []}, {"a"}))`,
  gt: "[y | some y in [1, 2]; y > 1]",
  gte: "[y | some y in [1, 2]; y >= 2]",
  indexof: `indexof("abc", "c")`,
  "internal.member_2": "[y | y := 1; y in [1]]",
  "internal.member_3": `[y | y := 0; y, "a" in ["a"]]`,
  "internal.template_string": `$"a {count([1])} b"`,
  intersection: "intersection({{1, 2}, {2}})",
  is_array: "is_array([])",
  is_boolean: "is_boolean(false)",
  is_null: "is_null(null)",
  is_number: "is_number(1)",
  is_object: "is_object({})",
  is_set: "is_set(set())",
  is_string: `is_string("")`,
  "json.filter": `json.filter({"a": {"b": 1, "c": 2}}, ["a/b"])`,
  "json.is_valid": `json.is_valid("{")`,
  "json.marshal": `json.marshal({"a": [1, "x", null, true]})`,
  "json.remove": `json.remove({"a": {"b": 1, "c": 2}}, ["a/b"])`,
  "json.unmarshal": `json.unmarshal("[1,{}]")`,
  lower: `lower("ABC")`,
  lt: "[y | some y in [1, 2]; y < 2]",
  lte: "[y | some y in [1, 2]; y <= 1]",
  max: "max([1, 3, 2])",
  min: "min([2, 1])",
  minus: "5 - 7",
  mul: "3 * 1.5",
  neq: "[y | some y in [1, 2]; y != 2]",
  "net.cidr_contains": `net.cidr_contains("10.0.0.0/8", "10.1.2.3")`,
  "net.cidr_intersects": `net.cidr_intersects("10.0.0.0/8", "11.0.0.0/8")`,
  "numbers.range": "numbers.range(1, 4)",
  "object.filter": `object.filter({"a": 1, "b": 2}, ["a"])`,
  "object.get": `object.get({"a": 1}, "b", "none")`,
  "object.keys": `count(object.keys({"a": 1, "b": 2}))`,
  "object.remove": `object.remove({"a": 1, "b": 2}, ["a"])`,
  "object.union": `object.union({"a": 1}, {"b": 2})`,
  "object.union_n": `object.union_n([{"a": 1}, {"a": 2}])`,
  or: "count({1} | {2})",
  plus: "1 + 2",
  product: "product([2, 3])",
  "regex.find_all_string_submatch_n": `regex.find_all_string_submatch_n("a(b*)", "abb ab", -1)`,
  "regex.is_valid": `regex.is_valid("(")`,
  "regex.match": String.raw`regex.match("^[a-z]+\\d$", "abc1")`,
  rem: "7 % 4",
  replace: `replace("aXa", "X", "-")`,
  round: "round(2.5)",
  sort: "sort([3, 1, 2])",
  split: `split("a,b", ",")`,
  sprintf: `sprintf("%s has %d of %v", ["a", 3, true])`,
  startswith: `startswith("abc", "ab")`,
  "strings.replace_n": `strings.replace_n({"<": "&lt;"}, "<b<")`,
  "strings.reverse": `strings.reverse("abc")`,
  substring: `substring("añbc", 1, 2)`,
  sum: "sum([1, 2.5])",
  to_number: `to_number("1.5")`,
  trim: `trim("xxaxx", "x")`,
  trim_left: `trim_left("xa", "x")`,
  trim_prefix: `trim_prefix("pre-a", "pre-")`,
  trim_right: `trim_right("ax", "x")`,
  trim_space: `trim_space("  a ")`,
  trim_suffix: `trim_suffix("a.rego", ".rego")`,
  type_name: "type_name([])",
  union: "count(union({{1}, {2}}))",
  upper: `upper("abc")`,
  walk: `count([path | walk({"a": [1]}, [path, _])])`,
};

/** What must never run: it reaches outside, reads clocks, randomness or keys, or differs between the evaluators. */
const REFUSED: readonly string[] = [
  `http.send({"method": "get", "url": "http://169.254.169.254/"})`,
  `net.lookup_ip_addr("example.com")`,
  "opa.runtime()",
  "time.now_ns()",
  `time.parse_rfc3339_ns("2026-01-01T00:00:00Z")`,
  `rand.intn("seed", 10)`,
  `uuid.rfc4122("seed")`,
  `io.jwt.decode_verify("a.b.c", {"secret": "s"})`,
  `io.jwt.encode_sign({}, {}, {})`,
  `crypto.sha256("a")`,
  `crypto.hmac.sha256("a", "key")`,
  `providers.aws.sign_req({}, {}, 1)`,
  `json.match_schema({}, {})`,
  `graphql.is_valid("", "")`,
  `rego.parse_module("a.rego", "package a")`,
  `regex.split("a+", "baab")`,
  `regex.replace("a", "a+", "b")`,
  `yaml.unmarshal("a: 1")`,
  `strings.render_template("{{.a}}", {"a": 1})`,
  `semver.compare("1.0.0", "2.0.0")`,
];

interface Capabilities {
  readonly builtins: readonly { readonly name: string; readonly decl: unknown }[];
  readonly features: readonly string[];
  readonly allow_net: readonly string[];
}

const capabilities = JSON.parse(readFileSync(CAPABILITIES_PATH, "utf8")) as Capabilities;
const NAMES = capabilities.builtins.map(({ name }) => name);

const SOURCE = policyText(
  `decision := {\n${Object.entries(USES)
    .map(([name, use]) => `"${name}": ${use},`)
    .join("\n")}\n}`,
);

test("every builtin that a policy may use has an example that really uses it", (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  assert.deepEqual(Object.keys(USES), NAMES);
  const folder = folderWith(t, SOURCE);
  const printed = execFileSync(opaPath, ["parse", "--format", "json", "policy.rego"], { cwd: folder });
  const examples: readonly [{ value: string }, unknown][] = JSON.parse(printed.toString()).rules[0].head.value
    .value;
  for (const [{ value: name }, example] of examples) {
    const written = name === "internal.template_string" ? "templatestring" : name;
    assert.ok(namesIn(example).has(written), name);
  }
});

test("every builtin that a policy may use gives OPA's own answer", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const { wasm } = await compileRego({ source: SOURCE, opaPath });
  const module = await compileModule(wasm);
  const evaluation = createEvaluator({ module, dataJson: "{}", memoryPagesMax: 64 }).evaluate("{}");
  assert.ok(evaluation.kind === "result", JSON.stringify(evaluation));
  const folder = folderWith(t, SOURCE);
  const query = ["eval", "--format", "json", "--data", "policy.rego", "data.intentgate.policy.decision"];
  const { result } = JSON.parse(execFileSync(opaPath, query, { cwd: folder }).toString("utf8"));
  assert.deepEqual(JSON.parse(evaluation.text), [{ result: result[0].expressions[0].value }]);
});

test("the signatures of the builtins are those of OPA, and nothing may reach the network", (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const current = JSON.parse(execFileSync(opaPath, ["capabilities", "--current"]).toString("utf8"));
  const theirs = new Map<string, unknown>(
    current.builtins.map((builtin: { name: string }) => [builtin.name, builtin]),
  );
  for (const builtin of capabilities.builtins) {
    assert.deepEqual(builtin, undescribed(theirs.get(builtin.name)), builtin.name);
  }
  assert.deepEqual(capabilities.allow_net, []);
  assert.ok(capabilities.features.includes("rego_v1"));
});

test("a builtin that reaches outside, or is not the same every time, does not compile", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  for (const use of REFUSED) {
    const name = use.slice(0, use.indexOf("("));
    await assert.rejects(
      compileRego({ source: policyText(`decision := {"allow": true} if ${use}`), opaPath }),
      { code: "policy.rego", message: new RegExp(`rego_type_error: undefined function ${name}`) },
      use,
    );
  }
});

function folderWith(t: TestContext, source: string): string {
  const folder = temporaryDirectory(t);
  writeFileSync(join(folder, "policy.rego"), source);
  return folder;
}

/** Every name in the operator position of a syntax tree, and every type of node. */
function namesIn(tree: unknown, names = new Set<string>()): Set<string> {
  if (typeof tree !== "object" || tree === null) return names;
  if ("type" in tree && typeof tree.type === "string") names.add(tree.type);
  if ("type" in tree && tree.type === "ref" && "value" in tree && Array.isArray(tree.value)) {
    names.add(tree.value.map((term) => term.value).join("."));
  }
  for (const child of Object.values(tree)) namesIn(child, names);
  return names;
}

/** A builtin without its documentation: what a capabilities file needs. */
function undescribed(builtin: unknown): unknown {
  const documentation = new Set(["description", "categories", "deprecated"]);
  return JSON.parse(JSON.stringify(builtin), (key, value) => {
    if (documentation.has(key)) return undefined;
    if (typeof value !== "object" || value === null || !("type" in value) || !("name" in value)) return value;
    const { name: _, ...type } = value;
    return type;
  });
}
