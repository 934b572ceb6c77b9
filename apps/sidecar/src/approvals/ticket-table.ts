// What this sidecar has heard of parked calls, by id and by the digest of the call. It only spares questions: the queue itself has the last word
// when a permission is taken. Bounded; the oldest is forgotten first, and is asked for again.
import type { ApprovalStatus, ApprovalTicket } from "@postern/contracts";

export interface TicketTable {
  /** Notes what was heard and returns what is known now: a message that was overtaken by a later one changes nothing. */
  keep(ticket: ApprovalTicket): ApprovalTicket;
  byId(pendingId: string): ApprovalTicket | undefined;
  /** The latest one for this call. */
  byDigest(digest: string): ApprovalTicket | undefined;
}

export interface TicketTableOptions {
  readonly ticketsMax: number;
  /** Somebody, or time, has settled a call that waited. */
  readonly onSettled: (ticket: ApprovalTicket) => void;
}

/** A call only ever goes on from one status to one further right. */
const COURSE: readonly ApprovalStatus[] = ["pending", "approved", "rejected", "expired", "used"];

/** Expired may be what one replica's clock says and not another's, who then decides: a decision is news. */
function isNews(known: ApprovalStatus, status: ApprovalStatus): boolean {
  const isDecision = status === "approved" || status === "rejected";
  return (known === "expired" && isDecision) || COURSE.indexOf(known) < COURSE.indexOf(status);
}

export function createTicketTable({ ticketsMax, onSettled }: TicketTableOptions): TicketTable {
  /** By when they were first heard of, oldest first. */
  const tickets = new Map<string, ApprovalTicket>();
  const latest = new Map<string, string>();
  const byId = (pendingId: string) => tickets.get(pendingId);

  function forget({ pending_id, digest }: ApprovalTicket): void {
    tickets.delete(pending_id);
    if (latest.get(digest) === pending_id) latest.delete(digest);
  }

  return {
    keep(ticket) {
      const { pending_id, digest, status } = ticket;
      const known = byId(pending_id);
      if (known !== undefined && !isNews(known.status, status)) return known;
      tickets.set(pending_id, ticket);
      const other = byId(latest.get(digest) ?? "");
      if (other === undefined || other.created_at <= ticket.created_at) latest.set(digest, pending_id);
      for (const oldest of tickets.values()) {
        if (tickets.size <= ticketsMax) break;
        forget(oldest);
      }
      if (status !== "pending") onSettled(ticket);
      return ticket;
    },
    byId,
    byDigest: (digest) => byId(latest.get(digest) ?? ""),
  };
}
