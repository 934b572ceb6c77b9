// What an event tells of the policy's part in it, and what it does not tell.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fitEvent } from "@postern/audit";
import type { Caveat } from "@postern/contracts";
import { pastCall } from "./past-call.ts";
import { callEvent, type PretendedCall } from "./trials.fixture.ts";

const issued = (caveats: readonly Caveat[], expiresAt: string | null = null) => ({
  issuer: "people",
  issuedAt: new Date("2025-12-31T00:00:00Z"),
  expiresAt: expiresAt === null ? null : new Date(expiresAt),
  caveats,
});
const root = issued([]);
const callOf = (fields: PretendedCall) => pastCall(callEvent(fields), root);

test("what happened at the policy is told apart from what happened before and after it", () => {
  const stages: [PretendedCall, string | undefined][] = [
    [{}, "allow"],
    [{ decision: "block", check: "policy" }, "block"],
    [{ decision: "block", check: "policy", policy_revision: 0 }, "block"],
    [{ decision: "escalate", check: "policy" }, "escalate"],
    [{ decision: "allow", pending_id: "p", decided_by: "operator:ann" }, "escalate"],
    [{ decision: "block", check: "policy", pending_id: "p", decided_by: "operator:ann" }, "escalate"],
    [{ decision: "block", check: "budget" }, "allow"],
    [{ decision: "block", check: "pii" }, "allow"],
    [{ decision: "block", check: "upstream" }, "allow"],
    [{ event: "intentgate.mcp_message", method: "resources/read", tool: "resources/read" }, "allow"],
    [{ decision: "block", check: "capability" }, undefined],
    [{ decision: "block", check: "intent" }, undefined],
    [{ decision: "block", check: "policy", agent_id: "" }, undefined],
    [{ event: "intentgate.mcp_message", tool: "" }, undefined],
    [{ policy_revision: 0 }, undefined],
    [{ event: "intentgate.admin", tool: "admin/mint" }, undefined],
  ];
  for (const [fields, decision] of stages) {
    assert.equal(callOf(fields)?.decision, decision, JSON.stringify(fields));
  }
});

test("arguments are known when the digest says so, and else as far as the event goes", () => {
  const args = { amount: 5, to: "x", deep: { list: [1, "y"], flag: true } };
  const scalars = { amount: 5, to: null, deep: { list: [1, null], flag: true } };
  const cases: [PretendedCall, unknown, string[]][] = [
    [{ args }, args, []],
    [{ args: { to: null } }, { to: null }, []],
    [{ args: {}, stored: "off" }, {}, []],
    [
      { args, stored: "keys" },
      { amount: null, to: null, deep: null },
      ["args.amount", "args.to", "args.deep"],
    ],
    [{ args, stored: "off" }, {}, ["args"]],
    [{ args, arg_values: scalars }, scalars, ["args.to", "args.deep.list"]],
    [{ args, arg_keys: ["amount", "…"], arg_values: {} }, {}, ["args"]],
    [{ args, obligations: ["request:pii_filter:email:redact=1"] }, args, ["args"]],
    [{ args, obligations: ["response:pii_filter:email:redact=1"] }, args, []],
  ];
  for (const [fields, known, unknown] of cases) {
    const call = callOf(fields);
    assert.deepEqual([call?.input.args, call?.unknown], [known, unknown], JSON.stringify(fields));
  }
  const forgotten = pastCall({ ...callEvent({ args }), argsSalt: "" }, root);
  assert.deepEqual(forgotten?.unknown, []);
  const nothing = pastCall({ ...callEvent({ args: {} }), argsSalt: "" }, root);
  assert.deepEqual(nothing?.unknown, ["args"]);
});

test("arguments that were too many for an event are unknown, and none is made up", () => {
  const args = { text: "x".repeat(40_000), n: 1 };
  const { event, argsSalt } = callEvent({ args });
  const call = pastCall({ event: fitEvent(event), argsSalt }, root);
  assert.deepEqual(call?.input.args, { text: null, n: null });
  assert.deepEqual(call?.unknown, ["args.text", "args.n"]);
});

test("of a token is known what it was issued with, unless it was narrowed or issued again since", () => {
  const step: Caveat = { type: "step_up", at: "2025-12-31T23:58:00.000Z" };
  const ends: Caveat = { type: "expiry", at: "2026-01-02T00:00:00.000Z" };
  const token = issued([ends, step, { type: "max_calls", limit: 5 }], "2026-01-03T00:00:00Z");
  const whole = pastCall(callEvent(), token);
  const { expires_at, step_up_age_seconds, issued_at, issuer } = whole?.input.capability ?? assert.fail();
  assert.deepEqual(
    [expires_at, step_up_age_seconds, issued_at, issuer],
    ["2026-01-02T00:00:00.000Z", 120, "2025-12-31T00:00:00.000Z", "people"],
  );
  assert.deepEqual(whole?.unknown, ["budget.calls_remaining"]);
  const narrowed = pastCall(callEvent({ capability_token_id: "block" }), token);
  assert.deepEqual(narrowed?.unknown, ["budget", "capability.expires_at"]);
  const again = { ...token, issuedAt: new Date("2026-01-01T00:00:01Z") };
  for (const unknown of [undefined, again]) {
    const call = pastCall(callEvent(), unknown) ?? assert.fail();
    assert.ok(call.unknown.includes("capability.step_up_at") && call.unknown.includes("budget"));
    assert.equal(call.input.capability.expires_at, undefined);
  }
});

test("of an intent only the summary is known", () => {
  assert.equal(callOf({})?.input.intent, undefined);
  const call = callOf({ intent_summary: "pay the invoice" });
  assert.equal(call?.input.intent?.summary, "pay the invoice");
  assert.deepEqual(call?.unknown, ["intent.allowed_tools", "intent.forbidden_tools", "intent.confidence"]);
});
