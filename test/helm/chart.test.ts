// The chart renders to exactly the reviewed manifests, and refuses values that make no sense. Needs `helm` (HELM_BIN or PATH).
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { golden, repositoryRoot } from "@postern/testkit";

const CHART = join(repositoryRoot, "helm", "postern");
const HELM = process.env.HELM_BIN ?? "helm";
const NEEDED = ["--set", "controlPlane.existingSecret=postern"];
const TRUST_ROOT = ["--set", `sidecar.trustRoot=k4.public.${"A".repeat(43)}`];
const SECRET = ["--set", "injector.tls.existingSecret=postern-injector-tls"];
const AUTHORITY = ["--set", `injector.tls.caBundle=${btoa("-----BEGIN CERTIFICATE-----")}`];
const ENABLED = [...NEEDED, "--set", "injector.enabled=true"];
const INJECTING = [...ENABLED, ...TRUST_ROOT, ...SECRET, ...AUTHORITY];

function helm(
  t: TestContext,
  ...args: string[]
): { status: number | null; stdout: string; stderr: string } | undefined {
  const { error, status, stdout, stderr } = spawnSync(HELM, args, { encoding: "utf8" });
  if (error === undefined) return { status, stdout, stderr };
  t.skip(`helm not found (${HELM}): the chart was not rendered`);
  return undefined;
}

for (const [name, values] of [
  ["chart", NEEDED],
  ["injector", INJECTING],
] as const) {
  test(`the chart lints and renders to the reviewed manifests (${name})`, (t) => {
    const lint = helm(t, "lint", "--strict", CHART, ...values);
    if (lint === undefined) return;
    assert.equal(lint.status, 0, lint.stdout + lint.stderr);
    const rendered = helm(t, "template", "release", CHART, "--namespace", "postern", ...values);
    assert.equal(rendered?.status, 0, rendered?.stderr);
    golden(new URL(`./${name}.golden.yaml`, import.meta.url), rendered?.stdout ?? "");
  });
}

test("the injector is not installed where Services cannot find a native sidecar's port", (t) => {
  const rendered = helm(t, "template", "release", CHART, "--kube-version", "1.31.9", ...INJECTING);
  if (rendered === undefined) return;
  assert.notEqual(rendered.status, 0);
  assert.match(rendered.stderr, /needs Kubernetes 1\.32/);
});

test("the webhook never stands in the way of the injector's own namespace, nor of the cluster's", (t) => {
  for (const namespace of ["postern", "kube-system"]) {
    const args = ["--namespace", namespace, "--show-only", "templates/injector-webhook.yaml"];
    const rendered = helm(t, "template", "release", CHART, ...args, ...INJECTING);
    if (rendered === undefined) return;
    const excluded = /NotIn\n\s+values:\n((?:\s+- .*\n)+)/.exec(rendered.stdout)?.[1]?.match(/[a-z-]{2,}/g);
    assert.deepEqual(excluded, [...new Set(["kube-system", namespace])]);
  }
});

const REFUSED: [string, string[]][] = [
  ["no secret", []],
  ["an unknown value", [...NEEDED, "--set", "controlPlane.replica=3"]],
  ["no replicas", [...NEEDED, "--set", "controlPlane.replicas=0"]],
  ["a trust root that is no key", [...NEEDED, "--set", "sidecar.trustRoot=abc"]],
  ["an unknown durability", [...NEEDED, "--set", "sidecar.spoolDurability=none"]],
  ["an injector without a certificate", [...ENABLED, ...TRUST_ROOT, ...AUTHORITY]],
  ["an injector without its certificate's authority", [...ENABLED, ...TRUST_ROOT, ...SECRET]],
  ["an injector of sidecars without a trust root", [...ENABLED, ...SECRET, ...AUTHORITY]],
  ["an authority that is no PEM", [...INJECTING, "--set", "injector.tls.caBundle=bm90IFBFTQ=="]],
  ["an injector without replicas", [...INJECTING, "--set", "injector.replicas=0"]],
  ["an unknown value of the injector", [...INJECTING, "--set", "injector.failurePolicy=Ignore"]],
];
for (const [name, values] of REFUSED) {
  test(`the chart refuses ${name}`, (t) => {
    const rendered = helm(t, "template", "release", CHART, ...values);
    if (rendered === undefined) return;
    assert.notEqual(rendered.status, 0);
    assert.match(rendered.stderr, /values don't meet the specifications of the schema/);
  });
}
