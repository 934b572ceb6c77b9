// What a sidecar tells of approvals is kept as far as it is what is known here; no sidecar can say that a person agreed to what nobody agreed to.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuditEvent, SpoolBody } from "@postern/contracts";
import { parkedCall } from "../approvals/parked-call.fixture.ts";
import { createQueue } from "../approvals/queue.fixture.ts";
import { fleetOf } from "./fleet.fixture.ts";
import { pretendedSpool } from "./spool.fixture.ts";

test("an event names the approval it ran by and who gave it, and no other event can claim them", async (t) => {
  const queue = await createQueue(t, "embedded");
  assert.ok(queue !== undefined);
  const one = await fleetOf(queue.plane, "acme");
  const ticket = await queue.parked();
  await queue.decide(ticket.pending_id, "approve");
  const decided_by = (await queue.view(ticket.pending_id)).json.decided_by;
  assert.equal((await queue.claim(ticket, "event-ran")).status, 200);
  const { agent_id, tool } = parkedCall();
  const told = { agent_id, tool, pending_id: ticket.pending_id, decided_by };
  const claims: [id: string, fields: Partial<AuditEvent>, kept: Partial<AuditEvent>, honest: boolean][] = [
    ["event-parked", { ...told, decision: "escalate", decided_by: "" }, { decided_by: "" }, true],
    ["event-ran", { ...told, decision: "allow", outcome: "executed" }, told, true],
    ["event-used", { ...told, decision: "block" }, told, true],
    ["event-other", { ...told, decision: "allow" }, { pending_id: "", decided_by: "" }, false],
    ["event-tool", { ...told, decision: "block", tool: "x" }, { pending_id: "", decided_by: "" }, false],
    ["event-who", { ...told, decision: "block", decided_by: "ciso" }, { decided_by: "" }, false],
    ["event-none", { ...told, decision: "block", pending_id: "" }, { decided_by: "" }, false],
  ];
  const spool = await one.boot();
  for (const [event_id, fields] of claims) {
    const honest = pretendedSpool(one.sidecar, spool.epoch);
    honest.event(event_id);
    const body = honest.records[0]?.body;
    assert.ok(body?.kind === "event");
    spool.add({ ...body, event: { ...body.event, ...fields } } as SpoolBody);
  }
  await one.acknowledged(await one.send(spool.batch(1, spool.records.length)));
  const calls = new Map((await one.calls()).map((call) => [call.event_id, call]));
  for (const [event_id, , kept, honest] of claims) {
    const call = calls.get(event_id);
    assert.equal(call?.degraded, !honest, event_id);
    for (const [name, value] of Object.entries(kept))
      assert.equal(call?.[name as keyof AuditEvent], value, `${event_id} ${name}`);
  }
});
