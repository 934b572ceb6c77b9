// Kill switches come first: on every path, and before anything that costs or tells more.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Capability, reason } from "@postern/contracts";
import { CALL, capability, STALE, world } from "./judge.fixture.ts";
import type { JudgePorts } from "./ports.ts";
import type { Decision, Standing } from "./verdict.ts";

const HALTED = reason("capability.halted", "why");
const refusing = (does: (holder?: Capability, tool?: string) => boolean): Pick<JudgePorts, "halts"> => ({
  halts: { refusalOf: (holder, tool) => (does(holder, tool) ? HALTED : undefined) },
});
const MESSAGE = { token: "good", upstream: "default" };

const reasonOf = (judged: Decision | Standing) => {
  if ("outcome" in judged) return judged.outcome === "deny" ? [judged.check, judged.reasons] : judged.outcome;
  return judged.ok ? "ok" : judged.reason;
};

test("while everybody is stopped nothing is asked of a token, good, bad or missing", async () => {
  for (const token of ["good", "forged", "", undefined]) {
    const { judge, asked } = world({ ...refusing(() => true), ...STALE });
    assert.deepEqual(reasonOf(await judge.decide({ ...CALL, token })), ["capability", [HALTED]]);
    assert.deepEqual(reasonOf(await judge.authenticate({ ...MESSAGE, token })), HALTED);
    assert.equal(await judge.visible({ ...CALL, token }), false);
    assert.deepEqual(asked, []);
  }
});

test("who is stopped is known as soon as his token is, on every path, and nothing else is asked", async () => {
  const { judge, asked } = world(refusing((holder) => holder?.agent === "agent-x"));
  assert.deepEqual(reasonOf(await judge.decide(CALL)), ["capability", [HALTED]]);
  const standing = await judge.authenticate(MESSAGE);
  assert.deepEqual([standing.ok, standing.capability?.agent], [false, "agent-x"]);
  assert.equal(await judge.visible(CALL), false);
  assert.deepEqual(new Set(asked), new Set(["capability"]));
  const other = world(refusing((holder) => holder?.agent === "agent-y"));
  assert.equal(reasonOf(await other.judge.decide(CALL)), "allow");
  assert.equal(reasonOf(await other.judge.authenticate(MESSAGE)), "ok");
});

test("a stopped tool is refused by its name, hidden in lists, and no other message is", async () => {
  const { judge } = world(refusing((_, tool) => tool === CALL.tool));
  assert.deepEqual(reasonOf(await judge.decide(CALL)), ["capability", [HALTED]]);
  assert.equal(await judge.visible(CALL), false);
  assert.deepEqual(reasonOf(await judge.authenticate({ ...MESSAGE, tool: CALL.tool })), HALTED);
  assert.equal(await judge.visible({ ...CALL, tool: "read_mail" }), true);
  assert.equal(reasonOf(await judge.authenticate(MESSAGE)), "ok");
});

test("whoever was authenticated just now is asked about again", async () => {
  const holder = capability();
  const { judge, asked } = world(refusing((known) => known === holder));
  assert.deepEqual(reasonOf(await judge.decide(CALL, holder)), ["capability", [HALTED]]);
  assert.equal(await judge.visible(CALL, holder), false);
  assert.deepEqual(reasonOf(await judge.authenticate(MESSAGE, holder)), HALTED);
  assert.deepEqual(asked, []);
});

test("a kill switch that cannot be asked stops everything", async () => {
  const { judge, trouble } = world({
    halts: {
      refusalOf() {
        throw new Error("broken");
      },
    },
  });
  const decision = await judge.decide(CALL);
  assert.equal(decision.outcome === "deny" && decision.reasons[0]?.code, "capability.unavailable");
  assert.equal((await judge.authenticate(MESSAGE)).ok, false);
  assert.equal(await judge.visible(CALL), false);
  assert.deepEqual(trouble, ["capability", "capability", "policy"]);
});

test("state is as fresh as the tool that is asked for needs it", async () => {
  const stale = (tool?: string) => (tool === "read_invoice" ? undefined : reason("capability.stale"));
  const { judge } = world({ stale });
  assert.equal(reasonOf(await judge.decide(CALL)), "allow");
  assert.equal(await judge.visible(CALL), true);
  assert.equal(reasonOf(await judge.authenticate({ ...MESSAGE, tool: "read_invoice" })), "ok");
  assert.equal((await judge.authenticate(MESSAGE)).ok, false);
  assert.equal((await judge.decide({ ...CALL, tool: "delete_invoice" })).outcome, "deny");
});
