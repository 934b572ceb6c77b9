import assert from "node:assert/strict";
import { test } from "node:test";
import { ApprovalTicket, DECISIONS_PER_STATE } from "./approvals.ts";
import { SidecarState } from "./sync.ts";

test("a state of the longest decisions fits in what a sidecar takes, whatever people said", () => {
  const ticket = {
    ...{ pending_id: "i".repeat(128), status: "rejected", digest: "0".repeat(64) },
    ...{ created_at: "2026-06-14T13:42:00.000Z", expires_at: "2026-06-14T13:42:00.000Z" },
    ...{ decided_by: "\u{ffee}".repeat(200), decided_at: "2026-06-14T13:42:00.000Z" },
    // A control character takes six bytes in JSON.
    reason: "\u0001".repeat(1_024),
  };
  assert.equal(ApprovalTicket.safeParse(ticket).success, true);
  const state = {
    ...{ kind: "approvals", tenant: "a".repeat(63), issued_at: "2026-06-14T13:42:00.000Z" },
    ...{ after: 0, version: 2 ** 52, decided: Array.from({ length: DECISIONS_PER_STATE }, () => ticket) },
  };
  assert.equal(SidecarState.safeParse(state).success, true);
  // Sealed it is base64url text with a signature and a footer.
  assert.ok((Buffer.byteLength(JSON.stringify(state)) * 4) / 3 + 1_024 < 2_097_152);
});
