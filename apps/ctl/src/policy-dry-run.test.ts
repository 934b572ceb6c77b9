// postern policy dry-run against a scripted control plane.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type TestScope, temporaryDirectory } from "@postern/testkit";
import { postern, posternJson } from "./cli.fixture.ts";
import { controlPlane } from "./control-plane.fixture.ts";

const run = {
  decisions: [
    {
      ...{ input: { tool: "transfer_funds", agent_id: "bot" }, rule: "limit", event_id: "e2" },
      ...{ candidate_decision: "block", actual_decision: "allow", changed: true, uncertain: false },
    },
    {
      ...{ input: { tool: "odd\u202e", agent_id: "bot" }, rule: "", candidate_reason: "No.", event_id: "e1" },
      ...{ candidate_decision: "allow", actual_decision: "allow", changed: false, uncertain: true },
    },
  ],
  summary: {
    ...{ evaluated: 2, unchanged: 0, changed: 1, uncertain: 1, failed: 0, allow_to_block: 1 },
    ...{ allow_to_escalate: 0, block_to_allow: 0, block_to_escalate: 0, escalate_to_allow: 0 },
    ...{ escalate_to_block: 0, tools: [], agents: [] },
  },
  safety: [{ finding: "mass_block", severity: "critical", message: "1 of 1 calls (100 %)." }],
  partial: true,
  partial_reason: "time",
};

async function trialPlane(t: TestScope) {
  const seen: { [field: string]: unknown }[] = [];
  const { at } = await controlPlane(t, (_, body) => {
    const asked = JSON.parse(body);
    seen.push(asked);
    if (asked.rego_source === "bad") return [400, { error: "policy.rego:1: no", code: "policy.rego" }];
    if (asked.rego_source === "fine") return [200, { ...run, safety: [], decisions: [], partial: false }];
    return [200, run];
  });
  const folder = temporaryDirectory(t);
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  return {
    ...{ seen, file },
    run: (...args: string[]) => postern(["policy", "dry-run", ...args, ...at]),
    json: (...args: string[]) => posternJson(["policy", "dry-run", ...args, ...at]),
  };
}

test("policy dry-run shows what would change, and a critical finding is exit code 1", async (t) => {
  const { run, json, seen, file } = await trialPlane(t);
  const rego = file("p.rego", "package x");
  const { code, stdout } = await run(rego, "--sample", "24h,tool:pay", "--show", "5");
  assert.equal(code, 1);
  assert.match(stdout, /^2 calls: 1 changed, 0 unchanged, 1 uncertain, 0 failed\.\n {2}allow_to_block: 1\n/);
  assert.match(stdout, /ended early \(time\)/);
  assert.match(stdout, /CRITICAL +mass_block +1 of 1 calls/);
  assert.match(stdout, /\* +transfer_funds +bot +allow +block +limit +e2\n/);
  assert.match(stdout, / \? +odd\\u\{202e\} +bot +allow +allow +No\. +e1/);
  const asked = { rego_source: "package x", tenant: "acme", sample: "24h,tool:pay", max_samples: 5 };
  assert.deepEqual(seen, [asked]);
  assert.equal((await json(rego)).json.summary.changed, 1);
  assert.equal(seen[1]?.sample, "last:500");
});

test("policy dry-run asks about one input, and exits with 0 when nothing is critical", async (t) => {
  const { run, seen, file } = await trialPlane(t);
  const input = file("input.json", '{"tool": "pay"}');
  const { code } = await run(file("p.rego", "fine"), "--input", input);
  assert.deepEqual([code, seen[0]?.input, seen[0]?.sample], [0, { tool: "pay" }, undefined]);
});

test("policy dry-run shows the compiler's words with exit code 1, and refuses what it does not take with 2", async (t) => {
  const { run, file } = await trialPlane(t);
  const bad = await run(file("p.rego", "bad"));
  assert.deepEqual([bad.code, bad.stdout], [1, "policy.rego:1: no\n"]);
  const rego = file("q.rego", "fine");
  for (const args of [
    ["--sample", "24h", "--input", rego],
    ["--show", "many"],
    ["--input", rego],
  ]) {
    assert.equal((await run(rego, ...args)).code, 2, args.join(" "));
  }
});
