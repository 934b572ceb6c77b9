// The chart renders to exactly the reviewed manifests, and refuses values that make no sense. Needs `helm` (HELM_BIN or PATH).
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { golden, repositoryRoot } from "@postern/testkit";

const CHART = join(repositoryRoot, "helm", "postern");
const HELM = process.env.HELM_BIN ?? "helm";
const NEEDED = ["--set", "controlPlane.existingSecret=postern"];

function helm(
  t: TestContext,
  ...args: string[]
): { status: number | null; stdout: string; stderr: string } | undefined {
  const { error, status, stdout, stderr } = spawnSync(HELM, args, { encoding: "utf8" });
  if (error === undefined) return { status, stdout, stderr };
  t.skip(`helm not found (${HELM}): the chart was not rendered`);
  return undefined;
}

test("the chart lints and renders to the reviewed manifests", (t) => {
  const lint = helm(t, "lint", "--strict", CHART, ...NEEDED);
  if (lint === undefined) return;
  assert.equal(lint.status, 0, lint.stdout + lint.stderr);
  const rendered = helm(t, "template", "release", CHART, "--namespace", "postern", ...NEEDED);
  assert.equal(rendered?.status, 0, rendered?.stderr);
  golden(new URL("./chart.golden.yaml", import.meta.url), rendered?.stdout ?? "");
});

const REFUSED: [string, string[]][] = [
  ["no secret", []],
  ["an unknown value", [...NEEDED, "--set", "controlPlane.replica=3"]],
  ["no replicas", [...NEEDED, "--set", "controlPlane.replicas=0"]],
  ["a trust root that is no key", [...NEEDED, "--set", "sidecar.trustRoot=abc"]],
  ["an unknown durability", [...NEEDED, "--set", "sidecar.spoolDurability=none"]],
];
for (const [name, values] of REFUSED) {
  test(`the chart refuses ${name}`, (t) => {
    const rendered = helm(t, "template", "release", CHART, ...values);
    if (rendered === undefined) return;
    assert.notEqual(rendered.status, 0);
    assert.match(rendered.stderr, /values don't meet the specifications of the schema/);
  });
}
