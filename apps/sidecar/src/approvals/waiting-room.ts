// Calls that are held until somebody decides. They are woken by what the sync stream tells; one slow round over all of them keeps their
// connections alive, ends those that waited long enough, and asks the queue itself only where the stream has been silent. A thousand of them
// cost one timer.
import type { ApprovalTicket } from "@postern/contracts";
import type { Clock } from "@postern/fault";
import { createTally } from "../tally.ts";
import type { Sleep } from "../timing.ts";

/** settled: decided, or past its time · waited_out · left: the caller has gone · given_up: the caller's user has · closing: the sidecar ends. */
export type WaitEnding = "settled" | "waited_out" | "left" | "given_up" | "closing";

export interface Guest {
  readonly pendingId: string;
  /** Whose place it takes. */
  readonly owner: string;
  /** How long it may be held. */
  readonly waitMs: number;
  readonly gone: AbortSignal;
  /** A sign of life to the caller. */
  readonly beat: () => void;
}

/** A call that is being held. */
export interface Stay {
  readonly ending: Promise<WaitEnding>;
  end(ending: WaitEnding): void;
}

export interface WaitingRoom {
  /** undefined: the owner has as many calls waiting as may be. */
  enter(guest: Guest): Stay | undefined;
  /** Ends the wait of every call that this ticket is for. */
  wake(ticket: ApprovalTicket): void;
  readonly size: number;
}

export interface WaitingRoomPorts {
  readonly clock: Pick<Clock, "nowMs" | "monotonicMs">;
  readonly sleep: Sleep;
  /** Fires when the sidecar is to end. */
  readonly closing: AbortSignal;
  /** What was heard of a parked call. */
  readonly known: (pendingId: string) => ApprovalTicket | undefined;
  /** Whether decisions are heard of as they are made. */
  readonly isHearing: () => boolean;
  /** Asks the queue where a call stands; what it says is heard by the way. Never rejects. */
  readonly ask: (pendingId: string) => Promise<void>;
}

const ROUND_MS = 1_000;
const BEAT_MS = 10_000;
/** One call is not asked for more often than this, and so many are at once. */
const ASK_MS = 5_000;
const ASKED_PER_ROUND_MAX = 16;
/** Of one capability root, so that none takes all connections. */
const GUESTS_PER_OWNER_MAX = 1_024;

interface Held extends Guest, Stay {
  readonly untilMs: number;
  beatMs: number;
  askedMs: number;
}

export function createWaitingRoom(ports: WaitingRoomPorts): WaitingRoom {
  const { clock, sleep, closing, known } = ports;
  /** By the decision that they wait for. */
  const held = new Map<string, Set<Held>>();
  const places = createTally();
  let isWalking = false;
  closing.addEventListener("abort", () => {
    for (const guest of all()) guest.end("closing");
  });

  const all = () => [...held.values()].flatMap((guests) => [...guests]);

  function leave(guest: Held): void {
    const guests = held.get(guest.pendingId);
    guests?.delete(guest);
    if (guests?.size === 0) held.delete(guest.pendingId);
  }

  /** As long as anybody waits. */
  async function walk(): Promise<void> {
    isWalking = true;
    while (held.size > 0) {
      await sleep(ROUND_MS, closing);
      const nowMs = clock.monotonicMs();
      for (const guest of all()) {
        if (guest.untilMs <= nowMs) guest.end("waited_out");
        else if (guest.beatMs + BEAT_MS <= nowMs) {
          guest.beatMs = nowMs;
          guest.beat();
        }
      }
      askAround(nowMs);
    }
    isWalking = false;
  }

  /** In case the stream is down, or nobody says that a call's time is over. */
  function askAround(nowMs: number): void {
    const isDeaf = !ports.isHearing();
    const due = all()
      .filter(
        ({ askedMs, pendingId }) => askedMs + ASK_MS <= nowMs && (isDeaf || isPastTime(known(pendingId))),
      )
      .sort((one, other) => one.askedMs - other.askedMs);
    for (const pendingId of [...new Set(due.map((guest) => guest.pendingId))].slice(0, ASKED_PER_ROUND_MAX)) {
      for (const guest of held.get(pendingId) ?? []) guest.askedMs = nowMs;
      void ports.ask(pendingId);
    }
  }

  const isPastTime = (ticket: ApprovalTicket | undefined) =>
    ticket === undefined || Date.parse(ticket.expires_at) <= clock.nowMs();

  return {
    enter(guest) {
      if (places.of(guest.owner) >= GUESTS_PER_OWNER_MAX) return undefined;
      const { promise, resolve } = Promise.withResolvers<WaitEnding>();
      const leavePlace = places.add(guest.owner);
      const nowMs = clock.monotonicMs();
      const onGone = () => stay.end("left");
      const stay: Held = {
        ...guest,
        untilMs: nowMs + guest.waitMs,
        beatMs: nowMs,
        askedMs: nowMs,
        ending: promise,
        end(ending) {
          leave(stay);
          leavePlace();
          guest.gone.removeEventListener("abort", onGone);
          resolve(ending);
        },
      };
      const guests = held.get(guest.pendingId) ?? new Set();
      held.set(guest.pendingId, guests.add(stay));
      guest.gone.addEventListener("abort", onGone, { once: true });
      const ticket = known(guest.pendingId);
      if (closing.aborted) stay.end("closing");
      else if (guest.gone.aborted) stay.end("left");
      else if (ticket !== undefined && ticket.status !== "pending") stay.end("settled");
      if (held.size > 0 && !isWalking) void walk();
      return stay;
    },
    wake(ticket) {
      for (const guest of held.get(ticket.pending_id) ?? []) guest.end("settled");
    },
    get size() {
      return places.total();
    },
  };
}
