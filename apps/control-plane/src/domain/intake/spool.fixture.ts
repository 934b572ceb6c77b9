// A sidecar's spool as the control plane sees it: records with the right hashes, cut into batches at will.
import { buildEvent, recordHash, ZERO_HASH } from "@postern/audit";
import type { AuditBatch, CallOutcome, SpoolBody, SpoolRecord } from "@postern/contracts";

export interface PretendedSpool {
  readonly epoch: number;
  readonly records: readonly SpoolRecord[];
  /** An event that is complete by itself. Each function returns the event's id. */
  event(id: string): string;
  intent(id: string): string;
  outcome(id: string, outcome?: Partial<CallOutcome>): string;
  add(body: SpoolBody): void;
  /** Records `from` … `to` (sequences, inclusive). */
  batch(from: number, to: number): AuditBatch;
}

export function pretendedSpool(sidecar: { tenant: string; id: string }, epoch: number): PretendedSpool {
  const records: SpoolRecord[] = [];

  function add(body: SpoolBody): void {
    const sequence = records.length + 1;
    const hash = recordHash(sequence, records.at(-1)?.hash ?? ZERO_HASH, body);
    records.push({ sequence, hash, body });
  }

  function callEvent(id: string, decision: "allow" | "block") {
    return buildEvent({
      ts: new Date(Date.UTC(2026, 0, 1, 0, 0, records.length)).toISOString(),
      event: "intentgate.tool_call",
      decision,
      tenant: sidecar.tenant,
      tool: "read_invoice",
      agent_id: "agent-7",
      event_id: id,
      outcome: "none",
      sidecar_id: sidecar.id,
      sidecar_epoch: epoch,
    });
  }

  return {
    epoch,
    records,
    add,
    event(id) {
      add({ kind: "event", event: callEvent(id, "block"), args_salt: "" });
      return id;
    },
    intent(id) {
      add({ kind: "intent", event: callEvent(id, "allow"), args_salt: "5a".repeat(16) });
      return id;
    },
    outcome(id, outcome = {}) {
      const ran = {
        outcome: "executed",
        reason: "",
        latency_ms: 3,
        upstream_status: 200,
        cost_micros: 0,
      } as const;
      add({ kind: "outcome", event_id: id, ...ran, ...outcome });
      return id;
    },
    batch: (from, to) => ({
      epoch,
      previous_hash: records[from - 2]?.hash ?? ZERO_HASH,
      records: records.slice(from - 1, to),
    }),
  };
}
