// The control plane's queue for tests: it parks, is decided on by hand, and gives each permission out once. It outlives any sidecar that asks it.
import type { ApprovalRequest, ApprovalStatus, ApprovalTicket } from "@postern/contracts";
import { callDigest } from "@postern/decision";
import { Fault } from "@postern/fault";
import type { ApprovalQueue } from "./approval-queue.ts";

export interface MemoryQueue extends ApprovalQueue {
  readonly parked: ApprovalRequest[];
  /** Every question that reached it: "park", "ask" or "claim". */
  readonly asked: string[];
  /** Events that took a permission. */
  readonly taken: string[];
  /** What is said of it at once; none when nothing reaches it. */
  trouble: Fault | undefined;
  /** Somebody decides, or time does; what a sync stream would tell. */
  decide(pendingId: string, status: ApprovalStatus, reason?: string): ApprovalTicket;
}

export interface MemoryQueueOptions {
  readonly tenant?: string;
  readonly nowMs: () => number;
  readonly pendingMs?: number;
}

export function createMemoryQueue({
  tenant = "acme",
  nowMs,
  pendingMs = 3_600_000,
}: MemoryQueueOptions): MemoryQueue {
  const tickets = new Map<string, ApprovalTicket>();
  const takers = new Map<string, string>();
  const isoOf = (ms: number) => new Date(ms).toISOString();

  function ask(what: string): void {
    memory.asked.push(what);
    if (memory.trouble !== undefined) throw memory.trouble;
  }

  function standing(id: string): ApprovalTicket {
    const ticket = tickets.get(id);
    if (ticket === undefined) throw new Fault("not_found", "approvals.unknown", "There is no such approval.");
    const isOpen = ticket.status === "pending" || ticket.status === "approved";
    return isOpen && Date.parse(ticket.expires_at) <= nowMs() ? { ...ticket, status: "expired" } : ticket;
  }

  const stands = ({ status }: ApprovalTicket) =>
    status === "pending" || status === "approved" || status === "rejected";

  const memory: MemoryQueue = {
    parked: [],
    asked: [],
    taken: [],
    trouble: undefined,
    async parkCall(request) {
      ask("park");
      const {
        agent_id: agent,
        method,
        tool,
        upstream,
        arguments: args,
        policy_sha256: policySha256,
      } = request;
      if (callDigest({ tenant, agent, method, tool, upstream, args, policySha256 }) !== request.digest)
        throw new Fault("invalid", "approvals.digest", "The digest is of another call.");
      const known = [...tickets.keys()].map(standing).findLast(({ digest }) => digest === request.digest);
      if (known !== undefined && stands(known)) return known;
      memory.parked.push(request);
      const ticket: ApprovalTicket = {
        pending_id: `p-${tickets.size + 1}`,
        status: "pending",
        digest: request.digest,
        created_at: isoOf(nowMs()),
        expires_at: isoOf(nowMs() + pendingMs),
        decided_by: "",
        reason: "",
      };
      tickets.set(ticket.pending_id, ticket);
      return ticket;
    },
    async approval(id) {
      ask("ask");
      return standing(id);
    },
    async claimApproval(id, { digest, event_id }) {
      ask("claim");
      const ticket = standing(id);
      const isOwn = takers.get(id) === event_id;
      if (isOwn || (ticket.status === "approved" && ticket.digest === digest)) {
        if (!isOwn) memory.taken.push(event_id);
        takers.set(id, event_id);
        return { isTaken: true, ticket: memory.decide(id, "used") };
      }
      return { isTaken: false, ticket };
    },
    decide(id, status, reason = "") {
      const decided_by = status === "expired" ? "" : "operator:eve";
      const decided = { decided_by, decided_at: isoOf(nowMs()), reason };
      const ticket: ApprovalTicket = { ...standing(id), ...decided, status };
      tickets.set(id, ticket);
      return ticket;
    },
  };
  return memory;
}
