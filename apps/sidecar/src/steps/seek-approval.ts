// Step 4 for what a policy puts before people (P8): where the call stands is found out, and who waits for it waits in one of three ways. What was
// approved is judged whole once more, under the policy that was approved; whatever cannot be found out refuses the call (P3). A wait is written
// down before it begins, so the judgement that ends it has an event of its own.
import type { ApprovalTicket } from "@postern/contracts";
import type { Clock, NewId } from "@postern/fault";
import { progressTokenOf } from "@postern/mcp";
import type { Metrics } from "@postern/telemetry";
import { type Approvals, reasonOfStatus } from "../approvals/approvals.ts";
import type { HeldExchange } from "../approvals/held-exchange.ts";
import { bringsInput, digestOf } from "../approvals/parked-call.ts";
import { notApproved, stillPending } from "../approvals/refusals.ts";
import { elicitation, inputRequired, questionId, stateOf, withdrawal } from "../approvals/user-questions.ts";
import type { WaitEnding } from "../approvals/waiting-room.ts";
import {
  type ApprovalMode,
  takesStream,
  type WayOfWaiting,
  wayOfWaiting,
} from "../approvals/way-of-waiting.ts";
import type { Handles } from "../handles.ts";
import { rootOf, type Sessions } from "../sessions.ts";
import { type Decided, type Escalation, grow, isEscalation, isRefused, type Refused } from "../stages.ts";
import { type DecidePorts, decide, decideAgain } from "./decide.ts";
import { type RecordPorts, recordRefusal } from "./record-decision.ts";

export interface SeekPorts extends DecidePorts, RecordPorts {
  readonly approvals: Approvals;
  readonly approvalMode: ApprovalMode;
  /** Longest time that one request is held. */
  readonly approvalWaitMs: number;
  readonly handles: Pick<Handles, "give" | "find">;
  readonly sessions: Pick<Sessions, "elicits">;
  readonly newId: NewId;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, "observeMs" | "increment">;
}

/** How long a caller that is asked to come back is kept before it is asked again. */
const PATIENCE_MS = 5_000;

/** A refusal with an `eventId` is on record already. */
export async function seekApproval(
  escalation: Escalation,
  exchange: HeldExchange,
  ports: SeekPorts,
): Promise<Decided | Refused> {
  const sought = await seek(escalation, exchange, ports);
  if (isRefused(sought)) ports.metrics.increment("approvals", { outcome: outcomeOf(sought) });
  return sought;
}

async function seek(
  escalation: Escalation,
  exchange: HeldExchange,
  ports: SeekPorts,
): Promise<Decided | Refused> {
  const { stage, escalated } = escalation;
  // What asks for no answer has nobody who could wait for one.
  if (stage.message?.kind !== "request") return stillPending(stage, escalated);
  const found = await ports.approvals.find(stage, escalated);
  if (!found.ok) return notApproved(stage, escalated, found.reason);
  const { ticket } = found;
  if (ticket.status !== "pending") return settle(escalation, ticket, exchange, ports);
  if (stage.returned?.isDeclined === true) return stillPending(stage, escalated, ticket);
  const way = wayOfWaiting(ports.approvalMode, stage, { ...ports, bringsInput: bringsInput(stage) });
  const answer = stillPending(stage, escalated, ticket, resultFor(way, escalation, ticket, ports));
  const isHeld = way === "hold" || way === "converse" || (way === "return" && stage.returned !== undefined);
  if (!isHeld) return answer;
  const recorded = await recordRefusal(stage, answer, ports);
  if (recorded.eventId === undefined) return recorded;
  const ending = await hold(escalation, ticket, way, exchange, ports);
  if (ending !== "settled") {
    const { result: _question, ...error } = recorded;
    return ending === "waited_out" ? recorded : error;
  }
  // What comes now is another judgement.
  const { clock, newId } = ports;
  grow(stage, { eventId: newId(), receivedAtMs: clock.nowMs(), startedMs: clock.monotonicMs() });
  return settle(escalation, ports.approvals.latest(ticket), exchange, ports);
}

/** The call stands as somebody, or time, has decided. */
async function settle(
  { stage, escalated }: Escalation,
  ticket: ApprovalTicket,
  exchange: HeldExchange,
  ports: SeekPorts,
): Promise<Decided | Refused> {
  if (ticket.status !== "approved") return notApproved(stage, escalated, reasonOfStatus(ticket), ticket);
  if (stage.returned?.isDeclined === true) return stillPending(stage, escalated, ticket);
  const decided = await decideAgain(stage, ticket, ports);
  if (isRefused(decided)) return decided;
  if (digestOf(stage, decided.decision.pointer.digest) === ticket.digest)
    return grow(decided, { grant: ticket });
  // Another policy is in force by now: what was approved under the earlier one says nothing under this one.
  await ports.budget.release(decided.decision.reservation);
  const afresh = await decide(stage, ports);
  return isEscalation(afresh) ? seek(afresh, exchange, ports) : afresh;
}

/** Keeps the caller until the call is settled, or it need not be kept any more. */
async function hold(
  { stage, escalated }: Escalation,
  ticket: ApprovalTicket,
  way: WayOfWaiting,
  exchange: HeldExchange,
  ports: SeekPorts,
): Promise<WaitEnding> {
  const { approvals, approvalWaitMs, clock, newId } = ports;
  const beganMs = clock.monotonicMs();
  const waitMs = way === "return" ? Math.min(PATIENCE_MS, approvalWaitMs) : approvalWaitMs;
  const beat = signOfLife(stage, exchange);
  const owner = rootOf(stage.capability);
  const stay = approvals.room.enter({ pendingId: ticket.pending_id, owner, waitMs, gone: stage.gone, beat });
  if (stay === undefined) return "waited_out";
  const question = way === "converse" ? questionId(newId()) : undefined;
  const close = approvals.correspondence.open(stage, stay, question);
  if (way !== "return" && takesStream(stage)) {
    exchange.open();
    beat();
  }
  if (question !== undefined) exchange.tell(elicitation(question, escalated.reasons[0]?.detail ?? ""));
  const ending = await stay.ending;
  close();
  if (question !== undefined && ending === "settled") exchange.tell(withdrawal(question));
  ports.metrics.observeMs("approvalWait", { ending }, clock.monotonicMs() - beganMs);
  return ending;
}

/** Progress for a client that asks for it. Its numbers stay below those that the tool server may begin with, and grow towards them. */
function signOfLife({ message }: Escalation["stage"], exchange: HeldExchange): () => void {
  const progressToken = message === undefined ? undefined : progressTokenOf(message);
  if (progressToken === undefined) return exchange.beat;
  let beats = 0;
  return () => {
    beats += 1;
    const params = { progressToken, progress: -1 / beats, message: "Waiting for approval by a person." };
    exchange.tell(JSON.stringify({ jsonrpc: "2.0", method: "notifications/progress", params }));
  };
}

/** What a caller is given to come back with is its own, like any state of a tool server. */
function resultFor(
  way: WayOfWaiting,
  { stage, escalated }: Escalation,
  ticket: ApprovalTicket,
  ports: SeekPorts,
) {
  if (way !== "return") return undefined;
  const result = inputRequired(ticket.pending_id, escalated.reasons[0]?.detail ?? "");
  const handle = { owner: rootOf(stage.capability), tool: stage.tool, obligations: undefined };
  ports.handles.give("state", stage.upstream, stateOf(ticket.pending_id), handle);
  return result;
}

const OUTCOMES: Readonly<Record<string, string>> = {
  "policy.escalated": "pending",
  "policy.rejected": "rejected",
  "policy.approval_expired": "expired",
  "policy.approval_used": "used",
  "policy.approval_unknown": "unknown",
  "policy.approval_unavailable": "unavailable",
};

/** Of a closed set. */
export const outcomeOf = ({ reasons }: Refused): string => OUTCOMES[reasons[0]?.code ?? ""] ?? "denied";
