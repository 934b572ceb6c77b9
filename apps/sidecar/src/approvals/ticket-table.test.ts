import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApprovalTicket } from "@postern/contracts";
import { createTicketTable } from "./ticket-table.ts";

const ticket = (id: string, status: ApprovalTicket["status"], more: Partial<ApprovalTicket> = {}) => ({
  ...{ pending_id: id, status, digest: "a".repeat(64), decided_by: "", reason: "" },
  ...{ created_at: "2026-01-01T00:00:00.000Z", expires_at: "2026-01-01T01:00:00.000Z" },
  ...more,
});

function createTable(ticketsMax = 10) {
  const settled: string[] = [];
  const onSettled = ({ pending_id, status }: ApprovalTicket) => void settled.push(`${pending_id} ${status}`);
  return { settled, ...createTicketTable({ ticketsMax, onSettled }) };
}

test("news that was overtaken by later news changes nothing", () => {
  const table = createTable();
  table.keep(ticket("p", "approved"));
  assert.equal(table.keep(ticket("p", "pending")).status, "approved");
  table.keep(ticket("p", "used"));
  table.keep(ticket("p", "approved"));
  assert.equal(table.byId("p")?.status, "used");
  assert.deepEqual(table.settled, ["p approved", "p used"]);
});

test("what a replica whose clock is ahead took for expired may still be decided", () => {
  const table = createTable();
  table.keep(ticket("p", "pending"));
  table.keep(ticket("p", "expired"));
  assert.equal(table.keep(ticket("p", "approved")).status, "approved");
  table.keep(ticket("q", "expired"));
  assert.equal(table.keep(ticket("q", "pending")).status, "expired");
  assert.equal(table.keep(ticket("q", "rejected")).status, "rejected");
  assert.equal(table.keep(ticket("q", "approved")).status, "rejected");
  assert.deepEqual(table.settled, ["p expired", "p approved", "q expired", "q rejected"]);
});

test("of several approvals of one call the latest counts, in whatever order they are heard of", () => {
  const table = createTable();
  table.keep(ticket("new", "pending", { created_at: "2026-01-01T00:30:00.000Z" }));
  table.keep(ticket("old", "expired"));
  assert.equal(table.byDigest("a".repeat(64))?.pending_id, "new");
  assert.equal(table.byDigest("b".repeat(64)), undefined);
});

test("the oldest is forgotten first, with its call", () => {
  const table = createTable(2);
  for (const id of ["1", "2", "3"]) table.keep(ticket(id, "pending", { digest: id.repeat(64) }));
  assert.deepEqual(
    ["1", "2", "3"].map((id) => table.byDigest(id.repeat(64))?.pending_id),
    [undefined, "2", "3"],
  );
  assert.equal(table.byId("1"), undefined);
});
