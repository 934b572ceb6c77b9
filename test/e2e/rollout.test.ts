// A candidate among real programs: compared by all sidecars as a shadow, then staged on two of three, where denials jump and it is taken back
// without anybody doing anything.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isProposal } from "@postern/client";
import { temporaryDirectory } from "@postern/testkit";
import { eventually, type Sidecar, startSidecar, startStack, TENANT, toolCallEvents } from "./stack.ts";

const policyThat = (rule: string) => `package intentgate.policy

default decision := {"allow": false, "rule": "default"}

decision := {"allow": true, "rule": "listed"} if {
	input.tool == "record"
	${rule}
}
`;
const EVERYTHING = policyThat("true");
/** Denies every other call: those that ask for it. */
const NARROWER = policyThat("not input.args.odd");
const BOUND_MS = 20_000;

test("a staged rollout on part of the sidecars ends by itself when denials jump, and a shadow only counts", {
  timeout: 120_000,
}, async (t) => {
  const stack = await startStack(t, EVERYTHING, { POSTERN_LABELS: "ring=rest" });
  const { admin, controlPlane, upstream } = stack;
  const canary = async (name: string): Promise<Sidecar> =>
    startSidecar(t, {
      controlPlaneUrl: controlPlane.url,
      enrolment: await admin.addSidecar({ tenant: TENANT, name }),
      dataDir: temporaryDirectory(t),
      env: { POSTERN_UPSTREAM_URL: upstream.url, POSTERN_LABELS: "ring=canary" },
    });
  const canaries = await Promise.all([canary("one"), canary("two")]);
  const sidecars = [stack.sidecar, ...canaries];
  const { token } = await stack.mint();
  let calls = 0;
  const call = async (sidecar: Sidecar, odd: boolean): Promise<boolean> => {
    calls += 1;
    const answer = await stack.agent(token, sidecar).toolCall("record", { nonce: `n${calls}`, odd });
    return answer.ok;
  };
  const draft = await admin.createDraft({ name: "narrower", rego_source: NARROWER, tenant: TENANT });
  const begin = async (plan: Partial<Parameters<typeof admin.startRollout>[0]>) => {
    const rollout = await admin.startRollout({ draft_id: draft.id, tenant: TENANT, ...plan });
    assert.ok(!isProposal(rollout) && "percent" in rollout);
    return rollout;
  };
  const read = (id: string) => admin.rollout(id, { tenant: TENANT });

  await t.test("as a shadow it lets every call pass, and the differences are told", async () => {
    const { id } = await begin({ mode: "shadow", percent: 100 });
    await eventually(async () => {
      for (const sidecar of sidecars) for (const odd of [true, false]) assert.ok(await call(sidecar, odd));
      const { figures, samples = [], status } = await read(id);
      assert.equal(status, "running");
      assert.equal(figures.loaded, 3);
      assert.ok((figures.differences.allow_to_block ?? 0) >= 3);
      assert.equal(figures.differences.block_to_allow, 0);
      assert.equal(figures.active.blocked, 0);
      assert.ok(samples.some(({ tool, agent }) => tool === "record" && agent === "agent-x"));
    }, BOUND_MS);
    await admin.stopRollout(id, { tenant: TENANT });
  });

  await t.test("staged, it decides on the sidecars that were meant, and is taken back", async () => {
    const stopWhen = { denials_up_percent_points: 10, calls_min: 10 };
    const { id, revision } = await begin({ percent: 100, labels: { ring: "canary" }, stop_when: stopWhen });
    await eventually(async () => {
      for (const sidecar of canaries) assert.equal(await call(sidecar, true), false);
    }, BOUND_MS);
    assert.equal(await call(stack.sidecar, true), true, "the others are judged by the active policy");

    const stopped = await eventually(async () => {
      for (const sidecar of canaries) for (const odd of [true, false]) await call(sidecar, odd);
      const found = await read(id);
      assert.equal(found.status, "stopped");
      return found;
    }, BOUND_MS);
    const stoppedMs = performance.now();
    assert.equal(stopped.ended_by, "control-plane");
    assert.match(stopped.end_reason ?? "", /percentage points fewer/);
    await eventually(async () => {
      for (const sidecar of sidecars) assert.equal(await call(sidecar, true), true);
    }, BOUND_MS);
    t.diagnostic(`every sidecar back after ${Math.round(performance.now() - stoppedMs)} ms`);

    const events = await eventually(async () => {
      const seen = await toolCallEvents(admin);
      assert.equal(seen.length, calls);
      return seen;
    });
    const blocked = events.filter(({ decision }) => decision === "block");
    assert.ok(blocked.length >= 2 && blocked.every((event) => event.policy_revision === revision));
    const acts = await admin.audit({ tenant: TENANT, tool: "admin/stop_rollout" });
    assert.equal(acts.items.length, 2);
  });
});
