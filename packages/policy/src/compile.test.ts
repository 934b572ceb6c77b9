import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "@postern/testkit";
import { CAPABILITIES_PATH } from "./capabilities.ts";
import { checkRego, compileRego, testRego } from "./compile.ts";
import { opaFor } from "./opa.fixture.ts";
import { policyText } from "./policy.fixture.ts";

const ALLOW = policyText(`decision := {"allow": true}`);

test("a policy compiles to a module, its data and the hash of what it was compiled against", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const compiled = await compileRego({ source: ALLOW, data: { limit: 5 }, opaPath });
  assert.deepEqual([...compiled.wasm.subarray(0, 4)], [0, 0x61, 0x73, 0x6d]);
  assert.equal(compiled.dataJson, `{"limit":5}`);
  assert.deepEqual(compiled.sources, { "policy.rego": ALLOW });
  assert.match(compiled.compiler, /^opa \d+\.\d+\.\d+/);
  const expected = createHash("sha256").update(readFileSync(CAPABILITIES_PATH)).digest("hex");
  assert.equal(compiled.capabilitiesSha256, expected);
});

test("what is wrong with a policy is told in OPA's own words", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const source = policyText(`decision := {"allow": now > 5}`);
  const folder = temporaryDirectory(t);
  writeFileSync(join(folder, "policy.rego"), source);
  const words = execFileSync(
    "sh",
    ["-c", `"${opaPath}" build -t wasm -e intentgate/policy/decision policy.rego 2>&1 || true`],
    {
      cwd: folder,
      encoding: "utf8",
    },
  );
  assert.match(words, /rego_unsafe_var_error/);
  await assert.rejects(compileRego({ source, opaPath }), {
    kind: "invalid",
    code: "policy.rego",
    message: words.trim(),
  });
});

test("a policy that is not one is refused", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const sources = {
    "no Rego at all": "allow everything",
    nothing: "",
    "another package": "package other\n\ndecision := 1\n",
    "no decision": policyText("verdict := 1"),
    "a decision that is a function": policyText("decision(x) := x"),
    "a broken rule": policyText("decision := {"),
  };
  for (const [name, source] of Object.entries(sources)) {
    await assert.rejects(compileRego({ source, opaPath }), { code: "policy.rego" }, name);
  }
  await assert.rejects(
    compileRego({ source: { "policy.rego": ALLOW, "other.rego": "package lib\n\nx := 1\n" }, opaPath }),
    { message: "other.rego: package must be intentgate.policy or below it, not lib" },
  );
});

test("a file name that could leave the folder or pass for an option is refused", async () => {
  const names = [
    "../p.rego",
    "/p.rego",
    "a/../p.rego",
    "-o.rego",
    "a//p.rego",
    ".p.rego",
    "p.wasm",
    "P.rego",
    "",
  ];
  for (const name of names) {
    await assert.rejects(
      compileRego({ source: { [name]: ALLOW }, opaPath: "unused" }),
      { code: "policy.source" },
      name,
    );
  }
});

test("no file, a NUL character and too much text or data are refused", async () => {
  const opaPath = "unused";
  await assert.rejects(compileRego({ source: {}, opaPath }), { code: "policy.source" });
  await assert.rejects(compileRego({ source: `${ALLOW}#\0`, opaPath }), { code: "policy.source" });
  const long = `${ALLOW}#${"x".repeat(1024 * 1024)}`;
  await assert.rejects(compileRego({ source: long, opaPath }), { kind: "too_large", code: "policy.source" });
  const data = { text: "x".repeat(9 * 1024 * 1024) };
  await assert.rejects(compileRego({ source: ALLOW, data, opaPath }), {
    kind: "too_large",
    code: "policy.data",
  });
});

test("tests are neither compiled nor bundled", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const tests = "package intentgate.policy_test\n\ntest_x if input with input as 1\n";
  const compiled = await compileRego({
    source: { "policy.rego": ALLOW, "policy_test.rego": tests },
    opaPath,
  });
  assert.deepEqual(Object.keys(compiled.sources), ["policy.rego"]);
  assert.deepEqual(compiled.inputPaths, []);
});

test("a compiler that hangs is killed, and one that is missing is told apart", async (t) => {
  const folder = temporaryDirectory(t);
  const opaPath = join(folder, "opa");
  writeFileSync(opaPath, "#!/bin/sh\nexec /bin/sleep 60\n", { mode: 0o755 });
  const startedMs = performance.now();
  await assert.rejects(compileRego({ source: ALLOW, opaPath, timeoutMs: 100 }), {
    kind: "limited",
    code: "policy.compiler_timeout",
  });
  assert.ok(performance.now() - startedMs < 10_000);
  await assert.rejects(compileRego({ source: ALLOW, opaPath: join(folder, "none") }), {
    kind: "unavailable",
    code: "policy.compiler",
  });
});

test("the compiler sees nothing of this process's environment", async (t) => {
  const folder = temporaryDirectory(t);
  const opaPath = join(folder, "opa");
  writeFileSync(opaPath, `#!/bin/sh\n/usr/bin/env | /bin/grep -v '^PWD=\\|^_=\\|^SHLVL=' >&2\nexit 1\n`, {
    mode: 0o755,
  });
  await assert.rejects(compileRego({ source: ALLOW, opaPath }), { code: "policy.rego", message: "" });
});

test("strict mode's complaints come with their place", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  assert.deepEqual(await checkRego({ source: ALLOW, opaPath }), { problems: [] });
  const source = policyText(`decision := {"allow": true} if { x := 1 }`);
  const { problems } = await checkRego({ source, opaPath });
  assert.equal(problems.length, 1);
  assert.deepEqual(problems[0], {
    code: "rego_compile_error",
    message: "assigned var x unused",
    file: "policy.rego",
    row: 3,
  });
});

test("Rego tests are run and counted", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const tests = [
    "package intentgate.policy_test",
    "import data.intentgate.policy",
    "test_good if policy.decision.allow",
    `test_table[name] if { some name, good in {"first": true, "second": false}; good }`,
    "test_bad if not policy.decision.allow",
    "todo_test_later if false",
    "test_broken if double(1) == 2",
    "double(x) := 1 if x > 0",
    "double(x) := 2 if x > 0",
  ].join("\n");
  const report = await testRego({ source: { "policy.rego": ALLOW, "policy_test.rego": tests }, opaPath });
  assert.deepEqual(
    { passed: report.passed, failed: report.failed, skipped: report.skipped },
    { passed: 2, failed: 3, skipped: 1 },
  );
  const outcomes = Object.fromEntries(report.results.map(({ name, outcome }) => [name, outcome]));
  assert.deepEqual(outcomes, {
    test_good: "pass",
    "test_table/first": "pass",
    "test_table/second": "fail",
    test_bad: "fail",
    test_broken: "error",
    todo_test_later: "skip",
  });
  assert.deepEqual((await testRego({ source: ALLOW, opaPath })).results, []);
});

test("Rego tests that do not compile are refused in OPA's words", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  await assert.rejects(testRego({ source: policyText("decision := x"), opaPath }), {
    code: "policy.rego",
    message: /rego_unsafe_var_error: var x is unsafe/,
  });
});
