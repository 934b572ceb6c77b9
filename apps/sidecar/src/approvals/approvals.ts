// Calls that a policy puts before people (P8). The control plane keeps them; here is found where one stands, and the permission is taken, once. What
// the sync stream tells spares questions, and the queue has the last word: whatever cannot be asked of it is refused (P3).
import { type ApprovalTicket, PARKED_ARGUMENTS_BYTES_MAX, type Reason, reason } from "@postern/contracts";
import type { Escalated } from "@postern/decision";
import { type Clock, isRetryable, toFault } from "@postern/fault";
import type { Logger } from "@postern/telemetry";
import type { Authenticated, IdentifiedCall } from "../stages.ts";
import type { StateOf } from "../sync/control-state.ts";
import type { Sleep } from "../timing.ts";
import type { ApprovalQueue } from "./approval-queue.ts";
import { type Correspondence, createCorrespondence } from "./correspondence.ts";
import { namedApproval } from "./named-approval.ts";
import { askedOf, digestOf, parkedCall } from "./parked-call.ts";
import { createTicketTable } from "./ticket-table.ts";
import { createWaitingRoom, type WaitingRoom } from "./waiting-room.ts";

export type Found =
  | { readonly ok: true; readonly ticket: ApprovalTicket }
  | { readonly ok: false; readonly reason: Reason; readonly ticket?: ApprovalTicket };

export interface Approvals {
  /** What the sync stream tells. */
  take(state: Pick<StateOf<"approvals">, "decided">): void;
  /** Where this call stands; it is parked if it does not stand anywhere yet. Never throws. */
  find(stage: Authenticated<IdentifiedCall>, escalated: Escalated): Promise<Found>;
  /** Where it stands as far as was heard. */
  latest(ticket: ApprovalTicket): ApprovalTicket;
  /** Takes the permission for the call that leaves this event and runs under a token of this root. Never throws. */
  claim(ticket: ApprovalTicket, eventId: string, rootTokenId: string): Promise<Found>;
  readonly room: WaitingRoom;
  readonly correspondence: Correspondence;
}

export interface ApprovalsPorts {
  readonly queue: ApprovalQueue;
  readonly clock: Clock;
  readonly sleep: Sleep;
  readonly closing: AbortSignal;
  /** Whether decisions are heard of as they are made. */
  readonly isHearing: () => boolean;
  readonly log: Pick<Logger, "warn">;
}

const TICKETS_MAX = 10_000;
/** A rejection is repeated to who asks again at once; later the queue is asked. */
const REJECTION_MS = 30_000;
const CLAIM_ATTEMPTS = 2;

export function createApprovals(ports: ApprovalsPorts): Approvals {
  const { queue, clock, log } = ports;
  const tickets = createTicketTable({ ticketsMax: TICKETS_MAX, onSettled: (ticket) => room.wake(ticket) });
  const room = createWaitingRoom({
    ...ports,
    known: tickets.byId,
    async ask(pendingId) {
      await hear(() => queue.approval(pendingId));
    },
  });

  async function hear(asked: () => Promise<ApprovalTicket>): Promise<Found> {
    try {
      return { ok: true, ticket: tickets.keep(await asked()) };
    } catch (caught) {
      const fault = toFault(caught);
      log.warn("approval queue", { code: fault.code, text: fault.message });
      return { ok: false, reason: reasonOfFault(fault) };
    }
  }

  const isPast = (ticket: ApprovalTicket) => Date.parse(ticket.expires_at) <= clock.nowMs();

  /** Whether what was heard spares the question. */
  function stands(ticket: ApprovalTicket): boolean {
    const { status, decided_at } = ticket;
    if (status === "pending") return !isPast(ticket) && ports.isHearing();
    if (status === "approved") return !isPast(ticket);
    return status === "rejected" && Date.parse(decided_at ?? "") + REJECTION_MS > clock.nowMs();
  }

  async function named(pendingId: string | undefined, digest: string): Promise<Found> {
    if (pendingId === undefined) return { ok: false, reason: reason("policy.approval_unknown") };
    const known = tickets.byId(pendingId);
    const isKnown = known !== undefined && (known.digest !== digest || isOver(known) || stands(known));
    const found: Found = isKnown ? { ok: true, ticket: known } : await hear(() => queue.approval(pendingId));
    if (!found.ok || found.ticket.digest === digest) return found;
    // Neither whose it is nor how it stands is any business of who asks.
    return { ok: false, reason: reason("policy.approval_unknown") };
  }

  return {
    take({ decided }) {
      for (const ticket of decided) tickets.keep(ticket);
    },
    async find(stage, escalated) {
      const digest = digestIfReadable(stage, escalated.pointer.digest);
      if (typeof digest !== "string") return { ok: false, reason: digest };
      const name = namedApproval(stage);
      if (name !== undefined) return named(name.pendingId, digest);
      const known = tickets.byDigest(digest);
      if (known !== undefined && stands(known)) return { ok: true, ticket: known };
      return hear(() => queue.parkCall(parkedCall(stage, escalated, digest)));
    },
    latest: (ticket) => tickets.byId(ticket.pending_id) ?? ticket,
    async claim(ticket, eventId, rootTokenId) {
      const { pending_id, digest } = ticket;
      const claim = { digest, event_id: eventId, root_token_id: rootTokenId };
      for (let attempt = 1; ; attempt += 1) {
        try {
          const claimed = await queue.claimApproval(pending_id, claim);
          const standing = tickets.keep(claimed.ticket);
          return claimed.isTaken
            ? { ok: true, ticket: claimed.ticket }
            : { ok: false, reason: reasonOfStatus(claimed.ticket), ticket: standing };
        } catch (caught) {
          const fault = toFault(caught);
          log.warn("approval not taken", { code: fault.code, text: fault.message, attempt });
          // A reply that was lost costs nothing: the same event may ask again.
          if (attempt < CLAIM_ATTEMPTS && isRetryable(fault)) continue;
          return { ok: false, reason: reasonOfFault(fault) };
        }
      }
    },
    room,
    correspondence: createCorrespondence(),
  };
}

const isOver = ({ status }: ApprovalTicket) => status !== "pending" && status !== "approved";

/** People have to read what they decide on. */
function digestIfReadable(stage: Authenticated<IdentifiedCall>, policySha256: string): string | Reason {
  if (Buffer.byteLength(JSON.stringify(askedOf(stage).args)) > PARKED_ARGUMENTS_BYTES_MAX) return TOO_LARGE;
  try {
    return digestOf(stage, policySha256);
  } catch {
    return reason("policy.approval_unavailable", "The arguments cannot be shown to a person as they are.");
  }
}

const TOO_LARGE = reason("policy.too_large", "The arguments are more than a person is asked to read.");

function reasonOfFault({ kind, message }: ReturnType<typeof toFault>): Reason {
  if (kind === "not_found") return reason("policy.approval_unknown");
  if (kind === "too_large") return TOO_LARGE;
  return kind === "limited"
    ? reason("policy.approval_unavailable", message)
    : reason("policy.approval_unavailable");
}

/** Why a call that stands so does not run. A rejection is told in the words of whoever rejected it. */
export function reasonOfStatus({ status, reason: said }: ApprovalTicket): Reason {
  if (status === "rejected") return said === "" ? reason("policy.rejected") : reason("policy.rejected", said);
  if (status === "expired" || status === "used") return reason(`policy.approval_${status}`);
  // There is an approval, and it was not given to this caller: with four eyes, a token that an approver issued gets none.
  return reason(
    "policy.approval_unknown",
    "The approval of this call does not hold for the token it comes with.",
  );
}
