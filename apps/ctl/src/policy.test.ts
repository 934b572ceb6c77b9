import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { repositoryRoot, temporaryDirectory } from "@postern/testkit";
import { postern, posternJson } from "./cli.fixture.ts";
import { policyTest } from "./commands/policy-test.ts";
import { readConfig } from "./config.ts";

const opa = readConfig().opa;
const env = { OPA_BIN: opa };
const skip = opa === "opa" ? "opa not found: put it on PATH or set OPA_BIN" : false;

const POLICY = `package intentgate.policy

decision := {"allow": input.args.amount <= data.limit}
`;
const TESTS = `package intentgate.policy_test

import data.intentgate.policy

test_small if policy.decision.allow with input as {"args": {"amount": 1}} with data.limit as 10
`;

test("policy check compiles a folder, leaves its tests out, and tells what the policy reads", {
  skip,
}, async (t) => {
  const folder = temporaryDirectory(t);
  mkdirSync(join(folder, "money"));
  writeFileSync(join(folder, "money", "policy.rego"), POLICY);
  writeFileSync(join(folder, "policy_test.rego"), TESTS);
  writeFileSync(join(folder, "limits.json"), '{"limit": 10}');
  const { code, json } = await posternJson(
    ["policy", "check", folder, "--data", join(folder, "limits.json")],
    { env },
  );
  assert.equal(code, 0, JSON.stringify(json));
  assert.deepEqual(json.files, ["money/policy.rego"]);
  assert.deepEqual(json.input_paths, ["args.amount"]);
});

test("policy check shows the compiler's own words and exits with 1", { skip }, async (t) => {
  const path = join(temporaryDirectory(t), "policy.rego");
  writeFileSync(path, "package intentgate.policy\n\ndecision := nonsense(1)\n");
  const { code, stdout } = await postern(["policy", "check", path], { env });
  assert.equal(code, 1);
  assert.match(stdout, /undefined function nonsense/);
});

test("policy test tells what passed, and exits with 1 when a test fails or there is none", {
  skip,
}, async (t) => {
  const folder = temporaryDirectory(t);
  writeFileSync(join(folder, "policy.rego"), POLICY);
  const none = await postern(["policy", "test", folder], { env });
  assert.equal(none.code, 1);
  assert.match(none.stdout, /no tests/);
  writeFileSync(join(folder, "policy_test.rego"), TESTS);
  const passing = await postern(["policy", "test", folder], { env });
  assert.equal(passing.code, 0, passing.stdout + passing.stderr);
  assert.match(passing.stdout, /pass +intentgate\.policy_test\.test_small/);
  writeFileSync(
    join(folder, "policy_test.rego"),
    `${TESTS}\ntest_wrong if policy.decision.allow with input as {"args": {"amount": 11}} with data.limit as 10\n`,
  );
  const { code, json } = await posternJson(["policy", "test", folder], { env });
  assert.equal(code, 1);
  assert.deepEqual([json.passed, json.failed], [1, 1]);
});

test("the example in the help of policy test passes", { skip }, async () => {
  const [, ...args] = policyTest.example.split(" ");
  const { code, stdout } = await postern([...args.slice(0, -1), join(repositoryRoot, args.at(-1) ?? "")], {
    env,
  });
  assert.equal(code, 0, stdout);
});

test("policy commands without files exit with 2, and without opa with 3", async (t) => {
  const folder = temporaryDirectory(t);
  assert.equal((await postern(["policy", "check", folder])).code, 2);
  assert.equal((await postern(["policy", "check", "/nonexistent.rego"])).code, 2);
  writeFileSync(join(folder, "policy.rego"), POLICY);
  const { code } = await postern(["policy", "check", folder], { env: { OPA_BIN: "/nonexistent/opa" } });
  assert.equal(code, 3);
});
