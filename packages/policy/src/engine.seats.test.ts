// Two policies of one tenant: what is in force, and what is tried beside it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { codeOf, laboratory } from "./engine.fixture.ts";
import { policyText, questionOf } from "./policy.fixture.ts";

const ALLOW = policyText(`decision := {"allow": true}`);

test("a candidate has a seat of its own: neither policy judges in the other's place, whatever the two remember", async (t) => {
  const lab = await laboratory(t);
  if (lab === undefined) return;
  const { engine, press, troubles } = lab;
  const active = await press.open(ALLOW);
  const candidate = await press.open(policyText(`decision := {"allow": false, "reason": "closed"}`));
  await engine.load(active);
  assert.equal(engine.active("acme", "candidate"), undefined);
  assert.equal(codeOf(await engine.evaluate("acme", questionOf(), "candidate")), "policy.none");
  assert.deepEqual(
    troubles.map(({ tenant, seat }) => [tenant, seat]),
    [["acme", "candidate"]],
  );

  await engine.load(candidate, "candidate");
  const allowed = async (seat: "active" | "candidate") => {
    const verdict = await engine.evaluate("acme", questionOf(), seat);
    return [verdict.ok && verdict.decision.allow, verdict.pointer?.revision];
  };
  // The same text is asked again and again, so that whatever is remembered is remembered by then.
  for (let round = 0; round < 3; round += 1) {
    assert.deepEqual(await allowed("active"), [true, active.pointer.revision]);
    assert.deepEqual(await allowed("candidate"), [false, candidate.pointer.revision]);
  }
  engine.clear("acme", "candidate");
  assert.deepEqual(await allowed("active"), [true, active.pointer.revision]);
  assert.equal(engine.active("acme", "candidate"), undefined);
  await engine.load(candidate, "candidate");
  engine.clear("acme");
  assert.deepEqual(
    [engine.active("acme"), await allowed("candidate")],
    [undefined, [false, candidate.pointer.revision]],
  );
});
