// Memories beside intents: what is shown is verified whatever the method, what is required is required of tools, and trouble is a denial.
import assert from "node:assert/strict";
import { test } from "node:test";
import { reason } from "@postern/contracts";
import { CALL, capability, fail, intended, world } from "./judge.fixture.ts";
import type { JudgePorts } from "./ports.ts";

type Memory = NonNullable<JudgePorts["memory"]>;
const refusing: Memory = {
  refusalOf: (_, { header }) => (header === "good" ? undefined : reason("intent.provenance")),
};
const later: Memory = { refusalOf: async (holder, shown) => refusing.refusalOf(holder, shown) };

const codeOf = async (memory: Memory | undefined, call: object = {}) => {
  const spoil = memory === undefined ? {} : { memory };
  const decision = await world(spoil).judge.decide({ ...CALL, ...call });
  if (decision.outcome !== "deny") return decision.outcome;
  assert.deepEqual([decision.check, decision.code], ["intent", -32011]);
  return decision.reasons[0]?.code;
};

test("memories that do not verify are denied by the intent check, at once or later", async () => {
  for (const memory of [refusing, later]) {
    assert.equal(await codeOf(memory, { memoryProvenance: "good" }), "allow");
    assert.equal(await codeOf(memory, { memoryProvenance: "bad" }), "intent.provenance");
    assert.equal(await codeOf(memory), "intent.provenance");
    const read = { method: "resources/read", tool: "resources/read", memoryProvenance: "bad" };
    assert.equal(await codeOf(memory, read), "intent.provenance");
  }
});

test("memories that nobody can verify are denied, and none need no verifying", async () => {
  assert.equal(await codeOf(undefined, { memoryProvenance: "good" }), "intent.unavailable");
  assert.equal(await codeOf(undefined), "allow");
  assert.equal(await codeOf({ refusalOf: fail }), "intent.unavailable");
  assert.equal(
    await codeOf({ refusalOf: async () => fail() }, { memoryProvenance: "good" }),
    "intent.unavailable",
  );
});

test("the intent is asked first, the memories are the holder's, and the policy is asked last", async () => {
  const asked: string[] = [];
  const memory: Memory = {
    refusalOf(holder, { header, isTool }) {
      asked.push(`${holder.rootJti} ${header} ${isTool}`);
      return reason("intent.provenance");
    },
  };
  const forbidden = world({ memory, intended: intended({ allowed_tools: [] }) });
  await forbidden.judge.decide({ ...CALL, intentPrompt: "x", memoryProvenance: "h" });
  assert.deepEqual(asked, []);
  const narrowed = world({ memory, token: capability([], { jti: "block", rootJti: "root" }) });
  await narrowed.judge.decide({ ...CALL, intentPrompt: "x", memoryProvenance: "h" });
  assert.deepEqual(asked, ["root h true"]);
  assert.ok(!narrowed.asked.includes("policy"));
});
