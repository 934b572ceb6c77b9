// The words of the log: where a chain stands, what can be asked of it, and how an administrative act reads as an event.
import { buildEvent, type TreeState } from "@postern/audit";
import type { AuditEvent } from "@postern/contracts";
import type { Act, Actor } from "../unit.ts";

/** Where a tenant's chain stands. */
export interface Chain {
  readonly tenant: string;
  readonly size: number;
  readonly headHash: string;
  readonly headEventId: string;
  readonly headAt: Date | null;
  readonly tree: TreeState;
}

/** An event on its way into the chain. */
export interface NewEvent {
  readonly event: AuditEvent;
  /** Salt of the arguments' digest; "" when there is none. */
  readonly argsSalt: string;
}

/** Which calls are to be judged once more: of one tenant, or the one event that is named. */
export interface ReplayFilter {
  readonly tenant: string;
  readonly since: Date | undefined;
  readonly until: Date | undefined;
  readonly tool: string | undefined;
  readonly agentId: string | undefined;
  readonly eventId: string | undefined;
}

/** An event as it is stored. */
export interface StoredEvent {
  readonly tenant: string;
  readonly idx: number;
  readonly seq: number;
  readonly event: string;
  readonly prevHash: string;
  readonly hash: string;
}

export interface EventFilter {
  /** undefined = all tenants. */
  readonly tenant: string | undefined;
  /** From this instant on. */
  readonly since: Date | undefined;
  /** Before this instant. */
  readonly until: Date | undefined;
  readonly decision: string | undefined;
  readonly tool: string | undefined;
  readonly agentId: string | undefined;
}

export interface Checkpoint {
  readonly tenant: string;
  readonly size: number;
  readonly rootHash: string;
  readonly kid: string;
  readonly note: string;
}

/** What a walk over the whole chain found. */
export interface Verification {
  readonly tenant: string;
  readonly verified: boolean;
  /** Events that were found to be right, from the first one on. */
  readonly eventsChecked: number;
  readonly headEventId: string;
  readonly headAt: Date | null;
  readonly durationMs: number;
  /** "" when nothing is broken. */
  readonly firstBrokenEventId: string;
  /** What is wrong, for the log. */
  readonly problem: string;
}

/** How far back "recent" reaches in counts. */
export const RECENT_MS = 24 * 3_600_000;

/** Name of a tenant's log in checkpoints. */
export function logOrigin(host: string, tenant: string): string {
  return `${host}/${tenant}`;
}

/** An administrative act as the chain tells it. */
export function administrativeEvent(act: Act, actor: Actor, nowMs: number, eventId: string): AuditEvent {
  const details = act.details ?? {};
  return buildEvent({
    ts: new Date(nowMs).toISOString(),
    event: "intentgate.admin",
    decision: act.decision ?? "allow",
    check: act.check ?? "",
    reason: act.reason ?? "",
    tenant: act.tenant,
    agent_id: act.agentId ?? "",
    tool: `admin/${act.name}`,
    arg_keys: Object.keys(details).sort(),
    arg_values: details as AuditEvent["arg_values"],
    capability_token_id: act.tokenId ?? "",
    root_capability_token_id: act.rootTokenId ?? "",
    caveat_count: act.caveatCount ?? 0,
    remote_ip: actor.remoteAddress,
    event_id: act.eventId ?? eventId,
    outcome: act.decision === "block" ? "none" : "executed",
    request_id: actor.requestId,
    actor: actor.name,
    elevation_id: actor.elevationId ?? "",
  });
}
