// Pod in, outcome out, for each shape in shapes/. The patch is applied by somebody else's applier, and the pod that comes out is reviewed.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { golden } from "@postern/testkit";
import { parse, stringify } from "yaml";
import { applied, judged } from "./pod.fixture.ts";
import { Pod } from "./pod.ts";

const FOLDER = join(import.meta.dirname, "shapes");
const names = globSync("*.pod.yaml", { cwd: FOLDER })
  .map((file) => file.replace(".pod.yaml", ""))
  .sort();

test("there are shapes to judge", () => {
  assert.ok(names.length >= 16);
});

for (const name of names) {
  test(`a pod gets exactly the reviewed outcome (${name})`, () => {
    const pod = Pod.parse(parse(readFileSync(join(FOLDER, `${name}.pod.yaml`), "utf8")));
    const before = structuredClone(pod);
    const outcome = judged(pod);
    assert.deepEqual(pod, before, "the pod itself is left as it was");
    const { operations, ...said } = { operations: [], ...outcome };
    const result = outcome.kind === "patch" ? { ...said, pod: applied(pod, operations) } : said;
    golden(
      join(FOLDER, `${name}.golden.yaml`),
      stringify(result, { lineWidth: 0, aliasDuplicateObjects: false }),
    );
  });

  test(`applied to its own result the patch changes nothing (${name})`, () => {
    const pod = Pod.parse(parse(readFileSync(join(FOLDER, `${name}.pod.yaml`), "utf8")));
    const outcome = judged(pod);
    if (outcome.kind !== "patch") return assert.deepEqual(judged(pod), outcome);
    const again = judged(applied(pod, outcome.operations));
    assert.deepEqual(again, {
      kind: "patch",
      reason: "pod.already_injected",
      operations: [],
      warnings: [],
    });
  });
}
