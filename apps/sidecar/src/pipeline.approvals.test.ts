// A call that a policy puts before people: it waits at the control plane, its caller comes back, and it runs once, by an approval that is for
// exactly this call.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ApprovalStatus, reason } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { createWaitingRig, type WaitingRig } from "./approvals/approvals.fixture.ts";
import { type MemoryExchange, toolCall } from "./exchange.fixture.ts";
import { capabilityOf } from "./pipeline.fixture.ts";

const TRANSFER = toolCall("escalate", { amount: 5_000 });
const said = (exchange: MemoryExchange) => {
  const { error } = exchange.json();
  return [error?.code, error?.data.reason];
};
const PENDING = [-32014, "policy.escalated"];
const unreachable = () => new Fault("unavailable", "client.unreachable", "The service cannot be reached.");
const summary = async (rig: WaitingRig) =>
  (await rig.events()).map(({ decision, pending_id, decided_by, outcome }) => [
    ...[decision, pending_id, decided_by, outcome],
  ]);

test("an escalated call is parked once, and its caller is told how to come back", async (t) => {
  const rig = await createWaitingRig(t);
  const first = (await rig.send(TRANSFER)).json().error;
  assert.deepEqual(
    { ...first?.data, reasons: undefined, event_id: undefined, request_id: undefined },
    {
      check: "policy",
      reason: "policy.escalated",
      detail: first?.message,
      reasons: undefined,
      request_id: undefined,
      event_id: undefined,
      pending_id: "p-1",
      status: "pending",
      expires_at: "2026-01-01T01:00:00.000Z",
      resume: { header: "X-Postern-Approval-Id", meta: "postern/approval" },
      resume_header: "X-IntentGate-Approval-Id",
    },
  );
  for (let round = 0; round < 5; round += 1) assert.deepEqual(said(await rig.send(TRANSFER)), PENDING);
  assert.deepEqual(rig.queue.asked, ["park"], "while it waits, nobody asks again");
  assert.deepEqual(rig.forwarded, []);
  assert.deepEqual(await summary(rig), Array(6).fill(["escalate", "p-1", "", "none"]));
  const [parked] = rig.queue.parked;
  assert.deepEqual(
    [parked?.agent_id, parked?.tool, parked?.arguments, parked?.policy_revision, parked?.escalating_rule],
    ["alice", "escalate", { amount: 5_000 }, 3, "test"],
  );
});

const NAMINGS: Record<string, (rig: WaitingRig) => Promise<MemoryExchange>> = {
  "naming nothing": (rig) => rig.send(TRANSFER),
  "naming it in the header": (rig) => rig.send(TRANSFER, { headers: { "x-postern-approval-id": "p-1" } }),
  "naming it in the older header": (rig) =>
    rig.send(TRANSFER, { headers: { "x-intentgate-approval-id": "p-1" } }),
  "naming it in _meta": (rig) =>
    rig.send({ ...TRANSFER, params: { ...TRANSFER.params, _meta: { "postern/approval": "p-1" } } }),
};

for (const [way, repeat] of Object.entries(NAMINGS)) {
  test(`an approved call runs when it is repeated ${way}, and the next one is put before people anew`, async (t) => {
    const rig = await createWaitingRig(t);
    await rig.send(TRANSFER);
    rig.decide("p-1", "approved");
    assert.ok((await repeat(rig)).json().result);
    assert.equal(rig.forwarded.length, 1);
    const [, ran] = await rig.events();
    assert.deepEqual(rig.queue.taken, [ran?.event_id], "the approval is taken by the event of the call");
    assert.deepEqual(await summary(rig), [
      ["escalate", "p-1", "", "none"],
      ["allow", "p-1", "operator:eve", "executed"],
    ]);
    assert.deepEqual(said(await rig.send(TRANSFER)), PENDING);
    assert.equal(rig.queue.parked.length, 2);
    assert.equal(rig.forwarded.length, 1);
  });
}

test("the tool server gets the very bytes that came, whatever names the approval", async (t) => {
  const rig = await createWaitingRig(t);
  const message = { ...TRANSFER, params: { ...TRANSFER.params, _meta: { "postern/approval": "p-1", x: 1 } } };
  await rig.send(TRANSFER);
  rig.decide("p-1", "approved");
  const body = Buffer.from(JSON.stringify(message).replace(":", " : "));
  await rig.send(body, { headers: { "x-postern-approval-id": "p-1" } });
  assert.deepEqual(Buffer.from(rig.forwarded[0]?.body ?? []), body);
});

const ENDS: [ApprovalStatus, string, string][] = [
  ["rejected", "policy.rejected", "Not to this account."],
  ["expired", "policy.approval_expired", ""],
  ["used", "policy.approval_used", ""],
];
for (const [status, code, sentence] of ENDS) {
  test(`a call whose approval is ${status} is refused, with the event that says so`, async (t) => {
    const rig = await createWaitingRig(t);
    await rig.send(TRANSFER);
    rig.decide("p-1", status, sentence);
    const again = await rig.send(TRANSFER, { headers: { "x-postern-approval-id": "p-1" } });
    assert.deepEqual(said(again), [-32012, code]);
    const { error } = again.json();
    assert.deepEqual([error?.data.pending_id, error?.data.status], ["p-1", status]);
    if (sentence !== "") assert.equal(error?.message, sentence);
    assert.ok(!JSON.stringify(error).includes("operator:eve"), "who decided is no business of the agent");
    assert.deepEqual(rig.forwarded, []);
    const [, refused] = await rig.events();
    assert.deepEqual([refused?.decision, refused?.check, refused?.pending_id], ["block", "policy", "p-1"]);
  });
}

test("a rejected call that is repeated without naming anything is told of the rejection too", async (t) => {
  const rig = await createWaitingRig(t);
  await rig.send(TRANSFER);
  rig.decide("p-1", "rejected");
  assert.deepEqual(said(await rig.send(TRANSFER)), [-32012, "policy.rejected"]);
  await rig.pass(31_000);
  assert.deepEqual(
    said(await rig.send(TRANSFER)),
    [-32012, "policy.rejected"],
    "as the queue says it still is",
  );
});

test("a call that expired or was used is parked anew when it names nothing", async (t) => {
  const rig = await createWaitingRig(t);
  for (const [at, status] of (["expired", "used"] as const).entries()) {
    await rig.send(TRANSFER);
    rig.decide(`p-${at + 1}`, status);
  }
  assert.deepEqual(said(await rig.send(TRANSFER)), PENDING);
  assert.equal(rig.queue.parked.length, 3);
});

test("an approval is for one exact call: other arguments, another agent or another policy find none", async (t) => {
  const rig = await createWaitingRig(t);
  await rig.send(TRANSFER);
  rig.decide("p-1", "approved");
  const others: [unknown, object][] = [
    [toolCall("escalate", { amount: 5_001 }), {}],
    [toolCall("escalate", { amount: "5000" }), {}],
    [toolCall("escalate", { amount: 5_000, also: null }), {}],
    [TRANSFER, { token: "mallory" }],
  ];
  const headers = { "x-postern-approval-id": "p-1" };
  for (const [message, options] of others) {
    assert.deepEqual(said(await rig.send(message, { ...options, headers })), [
      -32012,
      "policy.approval_unknown",
    ]);
    assert.deepEqual(said(await rig.send(message, options)), PENDING);
  }
  const { judge } = rig.ports;
  Object.assign(rig.ports, {
    judge: {
      ...judge,
      async decide(...asked: Parameters<typeof judge.decide>) {
        const decision = await judge.decide(...asked);
        return { ...decision, pointer: { ...decision.pointer, revision: 4, digest: "e".repeat(64) } };
      },
    },
  });
  assert.deepEqual(said(await rig.send(TRANSFER)), PENDING);
  assert.equal(new Set(rig.queue.parked.map(({ digest }) => digest)).size, 6);
  assert.deepEqual(rig.forwarded, []);
});

test("an approval that does not exist, or is no name at all, is unknown, and the queue is asked for names alone", async (t) => {
  const rig = await createWaitingRig(t);
  for (const id of ["p-9", "../p-1", "", "p-1, p-2", "x".repeat(129)]) {
    const refused = await rig.send(TRANSFER, { headers: { "x-postern-approval-id": id } });
    assert.deepEqual(said(refused), [-32012, "policy.approval_unknown"]);
  }
  assert.deepEqual(rig.queue.asked, ["ask"]);
});

test("of two repeats at once exactly one runs", async (t) => {
  const rig = await createWaitingRig(t);
  await rig.send(TRANSFER);
  rig.decide("p-1", "approved");
  const headers = { "x-postern-approval-id": "p-1" };
  const both = await Promise.all([rig.send(TRANSFER, { headers }), rig.send(TRANSFER, { headers })]);
  assert.equal(both.filter((exchange) => exchange.json().result !== undefined).length, 1);
  const [refused] = both.filter((exchange) => exchange.json().error !== undefined);
  assert.ok(refused !== undefined);
  assert.deepEqual(said(refused), [-32012, "policy.approval_used"]);
  assert.equal(rig.forwarded.length, 1);
  assert.deepEqual([...rig.closed.values()].sort(), [["released"], ["settled"]]);
});

test("another token of the same agent may come back, and its own token is judged", async (t) => {
  const rig = await createWaitingRig(t);
  await rig.send(TRANSFER);
  rig.decide("p-1", "approved");
  rig.capabilities.set("alice-2", capabilityOf({ jti: "jti-9", rootJti: "root-9" }));
  assert.ok((await rig.send(TRANSFER, { token: "alice-2" })).json().result);
  const [, ran] = await rig.events();
  assert.equal(ran?.capability_token_id, "jti-9");
});

test("a sidecar that was restarted finds what its predecessor parked", async (t) => {
  const before = await createWaitingRig(t);
  await before.send(TRANSFER);
  const after = await createWaitingRig(t, { queue: before.queue });
  assert.equal((await after.send(TRANSFER)).json().error?.data.pending_id, "p-1");
  before.queue.decide("p-1", "approved");
  const last = await createWaitingRig(t, { queue: before.queue });
  assert.ok((await last.send(TRANSFER)).json().result);
  assert.equal(before.queue.parked.length, 1);
});

test("what cannot be parked or looked up is refused and recorded", async (t) => {
  const rig = await createWaitingRig(t);
  rig.queue.trouble = unreachable();
  for (const headers of [{}, { "x-postern-approval-id": "p-1" }])
    assert.deepEqual(said(await rig.send(TRANSFER, { headers })), [-32012, "policy.approval_unavailable"]);
  rig.queue.trouble = new Fault("limited", "approvals.too_many", "Too many calls wait already.");
  assert.equal((await rig.send(TRANSFER)).json().error?.message, "Too many calls wait already.");
  assert.deepEqual(rig.forwarded, []);
  assert.deepEqual(await summary(rig), Array(3).fill(["block", "", "", "none"]));
});

test("an approval that cannot be taken for sure refuses the call, and its budget goes back", async (t) => {
  const rig = await createWaitingRig(t);
  await rig.send(TRANSFER);
  rig.decide("p-1", "approved");
  rig.queue.trouble = unreachable();
  assert.deepEqual(said(await rig.send(TRANSFER)), [-32012, "policy.approval_unavailable"]);
  assert.deepEqual(rig.forwarded, []);
  assert.deepEqual([...rig.closed.values()], [["released"]]);
  assert.deepEqual(rig.queue.asked, ["park", "claim", "claim"]);
  assert.deepEqual((await rig.events())[1]?.decision, "block");
});

test("an approval that does not hold for the token of the call refuses it", async (t) => {
  const rig = await createWaitingRig(t);
  await rig.send(TRANSFER);
  rig.decide("p-1", "approved");
  const { approval } = rig.queue;
  const claims: unknown[] = [];
  rig.queue.claimApproval = async (id, claim) => {
    claims.push(claim.root_token_id);
    return { isTaken: false, ticket: await approval(id) };
  };
  assert.deepEqual(said(await rig.send(TRANSFER)), [-32012, "policy.approval_unknown"]);
  assert.deepEqual(claims, ["root-1"]);
  assert.deepEqual(rig.forwarded, []);
});

test("a reply to a claim that was lost costs nothing", async (t) => {
  const rig = await createWaitingRig(t);
  await rig.send(TRANSFER);
  rig.decide("p-1", "approved");
  const { claimApproval } = rig.queue;
  let lost = 0;
  rig.queue.claimApproval = async (...asked) => {
    const claimed = await claimApproval(...asked);
    if (lost > 0) return claimed;
    lost += 1;
    throw unreachable();
  };
  assert.ok((await rig.send(TRANSFER)).json().result);
  assert.equal(rig.queue.taken.length, 1);
});

test("an approved call is judged again: what was revoked since refuses it, and the approval is not taken", async (t) => {
  const rig = await createWaitingRig(t);
  await rig.send(TRANSFER);
  rig.decide("p-1", "approved");
  const { judge } = rig.ports;
  const revoked = {
    outcome: "deny",
    check: "capability",
    code: -32010,
    reasons: [reason("capability.revoked")],
    timingsMs: {},
  } as const;
  const seen: unknown[] = [];
  Object.assign(rig.ports, {
    judge: {
      ...judge,
      decide: (...[call, holder]: Parameters<typeof judge.decide>) => {
        if (call.approval === undefined) return judge.decide(call, holder);
        seen.push(call.approval, holder);
        return { ...revoked, capability: capabilityOf() };
      },
    },
  });
  assert.deepEqual(said(await rig.send(TRANSFER)), [-32010, "capability.revoked"]);
  const approval = { id: "p-1", decided_by: "operator:eve", decided_at: "2026-01-01T00:00:00.000Z" };
  assert.deepEqual(seen, [approval, undefined], "and its signatures are verified anew");
  assert.deepEqual(rig.queue.asked, ["park"]);
  assert.deepEqual(await summary(rig), [
    ["escalate", "p-1", "", "none"],
    ["block", "p-1", "operator:eve", "none"],
  ]);
});

test("a tool that may not be used is put before nobody", async (t) => {
  const rig = await createWaitingRig(t, {
    pins: { refusalOf: () => reason("pin.changed"), admit: () => true },
  });
  assert.deepEqual(said(await rig.send(TRANSFER)), [-32017, "pin.changed"]);
  assert.deepEqual(rig.queue.asked, []);
});

test("an obligation that refuses the approved call leaves its approval untaken", async (t) => {
  const rig = await createWaitingRig(t);
  const message = toolCall("escalate", { to: "ada@example.com" });
  await rig.send(message);
  rig.decide("p-1", "approved");
  rig.policy = {
    allow: false,
    escalate: true,
    pii_filter: { enabled: true, patterns: ["email"], default_action: "block" },
  };
  assert.deepEqual(said(await rig.send(message)), [-32015, "pii.request"]);
  assert.deepEqual(rig.queue.taken, []);
  assert.deepEqual([...rig.closed.values()], [["released"]]);
});

test("a notification that escalates is refused, and nothing is parked", async (t) => {
  const rig = await createWaitingRig(t);
  assert.equal((await rig.send(toolCall("escalate", {}, null))).status, 403);
  assert.deepEqual(rig.queue.asked, []);
  assert.deepEqual(await summary(rig), [["escalate", "", "", "none"]]);
});

test("at /v1/tool-call a caller comes back, however others wait", async (t) => {
  for (const approvalMode of ["resume", "block", "protocol"] as const) {
    const rig = await createWaitingRig(t, { approvalMode });
    const door = { door: "tool-call", path: "/v1/tool-call" } as const;
    assert.deepEqual(said(await rig.send(TRANSFER, door)), PENDING);
    rig.decide("p-1", "approved");
    assert.ok((await rig.send(TRANSFER, door)).json().result);
  }
});

test("what lies beside tools waits for people too", async (t) => {
  const rig = await createWaitingRig(t);
  const read = { jsonrpc: "2.0", id: 1, method: "resources/read", params: { uri: "escalate" } };
  assert.deepEqual(said(await rig.send(read)), PENDING);
  assert.deepEqual(rig.queue.parked[0]?.arguments, { uri: "escalate" });
  rig.decide("p-1", "approved");
  assert.ok((await rig.send(read)).json().result);
});

test("arguments that nobody would read are refused before the queue is asked", async (t) => {
  const rig = await createWaitingRig(t);
  const large = toolCall("escalate", { text: "x".repeat(66_000) });
  assert.deepEqual(said(await rig.send(large)), [-32012, "policy.too_large"]);
  assert.deepEqual(rig.queue.asked, []);
});

test("an answer to a tool server's question is part of the call that is approved", async (t) => {
  const rig = await createWaitingRig(t);
  const round = (answer: string) => ({
    ...TRANSFER,
    params: { ...TRANSFER.params, inputResponses: { to: { content: answer } }, requestState: "theirs" },
  });
  await rig.send(TRANSFER);
  rig.decide("p-1", "approved");
  assert.deepEqual(said(await rig.send(round("ada"))), PENDING);
  assert.deepEqual(rig.queue.parked[1]?.arguments, {
    arguments: { amount: 5_000 },
    inputResponses: { to: { content: "ada" } },
    requestState: "theirs",
  });
  rig.decide("p-2", "approved");
  assert.deepEqual(said(await rig.send(round("mallory"))), PENDING);
  assert.ok((await rig.send(round("ada"))).json().result);
});

test("whatever else a call brings beside its arguments is part of what is approved, and is shown", async (t) => {
  const rig = await createWaitingRig(t);
  const besides = (more: object) => ({ ...TRANSFER, params: { ...TRANSFER.params, ...more } });
  await rig.send(TRANSFER);
  rig.decide("p-1", "approved");
  for (const more of [{ on_behalf_of: "mallory" }, { task: { ttl: 60_000 } }])
    assert.deepEqual(said(await rig.send(besides(more))), PENDING);
  assert.deepEqual(rig.queue.parked[1]?.arguments, {
    arguments: { amount: 5_000 },
    on_behalf_of: "mallory",
  });
  assert.ok((await rig.send(besides({ _meta: { progressToken: 1 } }))).json().result);
});

test("when the sync stream is silent the queue is asked instead", async (t) => {
  const rig = await createWaitingRig(t);
  await rig.send(TRANSFER);
  rig.isHearing = false;
  rig.decide("p-1", "approved");
  assert.ok((await rig.send(TRANSFER)).json().result);
});
