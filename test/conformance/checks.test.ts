import assert from "node:assert/strict";
import { test } from "node:test";
import { type Check, differences, findingsOf, tallyOf } from "./checks.ts";

const check = (id: string, status: Check["status"], errorMessage?: string): Check => ({
  id,
  status,
  ...(errorMessage !== undefined && { errorMessage }),
});
const found = (...checks: Check[]) => findingsOf([["scenario", checks]]);

test("two runs differ where a check has another status, is made more often, or is missing", () => {
  const direct = found(check("a", "SUCCESS"), check("b", "SUCCESS"), check("c", "SUCCESS"));
  const through = found(
    check("a", "WARNING", "late"),
    check("b", "SUCCESS"),
    check("b", "SUCCESS"),
    check("d", "FAILURE", "broken"),
  );
  assert.deepEqual(differences(direct, through), [
    { check: "scenario:a", direct: "SUCCESS", through: "WARNING", says: "late" },
    { check: "scenario:b", direct: "SUCCESS", through: "SUCCESS,SUCCESS", says: "" },
    { check: "scenario:c", direct: "SUCCESS", through: "absent", says: "" },
    { check: "scenario:d", direct: "absent", through: "FAILURE", says: "broken" },
  ]);
});

test("two runs are alike whatever the order of their checks and whatever only informs", () => {
  const direct = found(check("a", "SUCCESS"), check("a", "FAILURE"), check("request", "INFO"));
  const through = found(check("a", "FAILURE"), check("a", "SUCCESS"), check("answer", "INFO"));
  assert.deepEqual(differences(direct, through), []);
});

test("a tally counts every check once and names those that fail", () => {
  const tally = tallyOf(found(check("a", "SUCCESS"), check("b", "FAILURE"), check("b", "SKIPPED")));
  assert.deepEqual(tally, { checks: 3, passed: 1, failed: 1, failing: ["scenario:b"] });
});
