// Events for tests: complete, valid, told apart by a number.
import type { AuditEvent, ChainEntry, SpoolBody } from "@postern/contracts";
import { chainEntry } from "./chain.ts";
import { buildEvent } from "./event.ts";
import { ZERO_HASH } from "./hash.ts";

export function sampleEvent(number: number, fields: Partial<AuditEvent> = {}): AuditEvent {
  return buildEvent({
    ts: "2026-11-22T10:00:00.000Z",
    event: "intentgate.tool_call",
    decision: "allow",
    tenant: "acme",
    agent_id: "agent-1",
    tool: "echo",
    event_id: `event-${number}`,
    outcome: "executed",
    ...fields,
  });
}

/** A sound chain of `count` events. */
export function sampleChain(count: number): ChainEntry[] {
  const entries: ChainEntry[] = [];
  for (let index = 0; index < count; index += 1) {
    entries.push(chainEntry(index, entries.at(-1)?.hash ?? ZERO_HASH, sampleEvent(index)));
  }
  return entries;
}

export function sampleDenial(number: number): SpoolBody {
  const event = sampleEvent(number, { decision: "block", check: "policy", outcome: "none" });
  return { kind: "event", event, args_salt: "" };
}

export function sampleIntent(number: number, costMicros = 0): SpoolBody {
  const event = sampleEvent(number, { outcome: "unknown", cost_micros: costMicros });
  return { kind: "intent", event, args_salt: "" };
}

export function sampleOutcome(number: number): Extract<SpoolBody, { kind: "outcome" }> {
  return {
    kind: "outcome",
    event_id: `event-${number}`,
    outcome: "executed",
    reason: "",
    latency_ms: 3,
    upstream_status: 200,
    cost_micros: 0,
  };
}
