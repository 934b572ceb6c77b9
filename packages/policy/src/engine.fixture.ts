// An engine with a clock that stands, ears for its troubles, and a press for bundles.
import type { TestContext } from "node:test";
import { defer, fixedClock } from "@postern/testkit";
import {
  createPolicyEngine,
  type PolicyEngineOptions,
  type PolicyTrouble,
  type PolicyVerdict,
} from "./engine.ts";
import { opaFor } from "./opa.fixture.ts";
import { createBundlePress, OPENED_AT_MS } from "./policy.fixture.ts";

/** Patient enough for a machine that is busy elsewhere. */
const PATIENT = { deadlineMs: 10_000, loadDeadlineMs: 30_000, waitingMs: 30_000 };

/** Undefined, and the test skipped, without a compiler. */
export async function laboratory(t: TestContext, options: PolicyEngineOptions = {}) {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return undefined;
  const troubles: PolicyTrouble[] = [];
  const clock = fixedClock(OPENED_AT_MS);
  const onTrouble = (trouble: PolicyTrouble) => troubles.push(trouble);
  const engine = createPolicyEngine({ ...PATIENT, clock, onTrouble, ...options });
  defer(t, () => engine.close());
  return { engine, troubles, clock, press: await createBundlePress(opaPath) };
}

export const codeOf = (verdict: PolicyVerdict) => (verdict.ok ? "decision" : verdict.reason.code);
