import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApprovalTicket } from "@postern/contracts";
import { fixedClock } from "@postern/testkit";
import { turns } from "./approvals.fixture.ts";
import { createWaitingRoom, type Guest } from "./waiting-room.ts";

const TICKET: ApprovalTicket = {
  ...{ pending_id: "p", status: "pending", digest: "a".repeat(64), decided_by: "", reason: "" },
  ...{ created_at: "2026-01-01T00:00:00.000Z", expires_at: "2026-01-01T01:00:00.000Z" },
};

/** A room in which nobody walks unless the test says so. */
function createRoom(known: ApprovalTicket = TICKET) {
  const clock = fixedClock();
  const closing = new AbortController();
  const asked: string[] = [];
  let walk = () => {};
  const room = createWaitingRoom({
    ...{ clock, closing: closing.signal, known: () => known, isHearing: () => false },
    sleep: () => new Promise((resolve) => (walk = resolve)),
    ask: async (id) => void asked.push(id),
  });
  const guest = (more: Partial<Guest> = {}): Guest => ({
    ...{ pendingId: "p", owner: "o", waitMs: 60_000, beat: () => {}, gone: new AbortController().signal },
    ...more,
  });
  const pass = async (ms: number) => {
    clock.advance(ms);
    walk();
    await turns();
  };
  return { room, closing, asked, guest, pass };
}

test("whoever comes when it is decided already, or too late, is not kept", async () => {
  const decided = createRoom({ ...TICKET, status: "approved" });
  assert.equal(await decided.room.enter(decided.guest())?.ending, "settled");
  const { room, guest, closing } = createRoom();
  assert.equal(await room.enter(guest({ gone: AbortSignal.abort() }))?.ending, "left");
  closing.abort();
  assert.equal(await room.enter(guest())?.ending, "closing");
  assert.deepEqual([decided.room.size, room.size], [0, 0]);
});

test("everybody who waits for a decision is woken by it, and nobody else", async () => {
  const { room, guest } = createRoom();
  const [one, two, other] = [guest(), guest(), guest({ pendingId: "q" })].map((each) => room.enter(each));
  room.wake({ ...TICKET, status: "rejected" });
  assert.deepEqual([await one?.ending, await two?.ending], ["settled", "settled"]);
  assert.equal(room.size, 1);
  other?.end("given_up");
  other?.end("settled");
  assert.deepEqual([await other?.ending, room.size], ["given_up", 0]);
});

test("a call for which many wait is asked for once", async () => {
  const { room, guest, asked, pass } = createRoom();
  for (let at = 0; at < 50; at += 1) room.enter(guest());
  await pass(4_000);
  assert.deepEqual(asked, []);
  await pass(1_000);
  await pass(1_000);
  assert.deepEqual(asked, ["p"]);
});

test("of many calls a few are asked for at a time, in turn", async () => {
  const { room, guest, asked, pass } = createRoom();
  for (let at = 0; at < 40; at += 1) room.enter(guest({ pendingId: `p-${at}` }));
  for (let round = 1; round <= 3; round += 1) {
    await pass(round === 1 ? 5_000 : 1_000);
    assert.equal(asked.length, Math.min(16 * round, 40));
  }
  assert.equal(new Set(asked).size, 40);
});

test("a room that was left empty wakes up for the next guest", async () => {
  const { room, guest, pass } = createRoom();
  const first = room.enter(guest({ waitMs: 1_000 }));
  await pass(1_000);
  assert.equal(await first?.ending, "waited_out");
  const beats: string[] = [];
  const second = room.enter(guest({ waitMs: 20_000, beat: () => void beats.push("beat") }));
  await pass(10_000);
  assert.deepEqual(beats, ["beat"]);
  await pass(10_000);
  assert.equal(await second?.ending, "waited_out");
});
