import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "@postern/testkit";
import { TEMPLATE, TEMPLATE_FILES } from "./template.fixture.ts";
import { parseTemplate, readTemplate } from "./template.ts";

const container = TEMPLATE_FILES["container.yaml"];
const volumes = TEMPLATE_FILES["volumes.yaml"];

test("the chart's files are a template, and file modes are read as Kubernetes reads them", async (t) => {
  const folder = temporaryDirectory(t);
  for (const [name, text] of Object.entries(TEMPLATE_FILES)) writeFileSync(join(folder, name), text);
  const template = await readTemplate(folder);
  assert.deepEqual(template, TEMPLATE);
  assert.equal(template.port, 8081);
  const secret = template.volumes.map((volume) => volume.secret as { defaultMode: number }).find(Boolean);
  assert.equal(secret?.defaultMode, 0o444);
});

test("the hash changes with either file", () => {
  const others = [
    parseTemplate(container.replace("0.1.0", "0.1.1"), volumes),
    parseTemplate(container, volumes.replace("1Gi", "2Gi")),
  ];
  assert.equal(new Set([TEMPLATE, ...others].map(({ hash }) => hash)).size, 3);
});

test("a folder without the files is refused with their path", async (t) => {
  await assert.rejects(readTemplate(temporaryDirectory(t)), {
    code: "template.invalid",
    message: /container\.yaml cannot be read \(ENOENT\)/,
  });
});

const BROKEN: Record<string, [string, string]> = {
  "no YAML": ["{", volumes],
  "an empty container": ["", volumes],
  "another container": [container.replace("postern-sidecar", "other"), volumes],
  "a container that is no native sidecar": [container.replace("restartPolicy: Always", ""), volumes],
  "a container without a port": [container.replace("- name: postern\n", "- other: postern\n"), volumes],
  "volumes that are no list": [container, "name: postern-data"],
  "no credential": [container, volumes.replace("postern-credential", "other")],
  "a credential that is no Secret": [container, volumes.replace("secret:", "hostPath:")],
  "a mount without its volume": [container.replace("name: postern-data", "name: lost"), volumes],
  "an alias": ["a: &a [1]\nb: *a", volumes],
};
for (const [name, [first, second]] of Object.entries(BROKEN)) {
  test(`a template with ${name} is refused`, () => {
    assert.throws(() => parseTemplate(first, second), { code: "template.invalid", kind: "invalid" });
  });
}
