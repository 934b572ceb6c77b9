// Calls that a policy puts before a person: parked by the sidecar that judged them, asked after, and taken once.
import { ApprovalClaim, ApprovalRequest, ApprovalTicket, ClaimRefusal, Identifier } from "@postern/contracts";
import { answer } from "@postern/surface";
import { z } from "zod";
import { FailureBody } from "../failure.ts";
import { operation } from "./context.ts";

const path = "/v1/sidecar/approvals";
const row = { permission: "sidecar", audit: "none", status: 200 } as const;
const byId = { params: z.strictObject({ id: Identifier }) };
const NO_APPROVAL = "There is no such approval.";

const park = operation({
  id: "fleet_approval_park",
  method: "POST",
  path,
  summary: "Park a call until people have decided on it",
  description:
    "Idempotent by the call's digest, which is computed anew here: a call that waits, or was approved, or was rejected a short while ago, is " +
    "not parked again, and the ticket says how it stands.",
  ...row,
  replies: {
    413: "The arguments are more than a person is asked to read.",
    429: "Too many calls of the tenant, or of the agent, wait already.",
  },
  body: ApprovalRequest,
  example: {
    body: {
      digest: "de4400ddf906bd55030ff643f246cca22958a4e50ff21b01ae9d48b30d424a92",
      agent_id: "agent-finance-bot-7",
      token_id: "01HXYZ.1",
      root_token_id: "01HXYZ",
      method: "tools/call",
      tool: "transfer_funds",
      upstream: "bank",
      arguments: { to: "vendor-1", amount_eur: 25000 },
      intent_summary: "Pay the invoice of vendor-1.",
      reason: "Transfers above 10,000 EUR need a person.",
      escalating_rule: "large_transfer",
      requires_step_up: false,
      policy_revision: 1,
      policy_sha256: "5555555555555555555555555555555555555555555555555555555555555555",
      session_id: "session-1",
      request_id: "request-1",
      remote_address: "192.0.2.1",
    },
  },
  links: [
    { to: "fleet_approval_view", params: { id: "pending_id" } },
    { to: "approval_view", params: { id: "pending_id" } },
    { to: "approval_decide", params: { id: "pending_id" } },
    { to: "fleet_approval_claim", params: { id: "pending_id" }, body: { digest: "digest" } },
  ],
  reply: ApprovalTicket,
  run: ({ body }, { approvals, sidecar, work }) => work.commit((unit) => approvals.park(unit, sidecar, body)),
});

const view = operation({
  id: "fleet_approval_view",
  method: "GET",
  path: `${path}/{id}`,
  summary: "Ask how a parked call stands",
  ...row,
  replies: { 404: NO_APPROVAL },
  ...byId,
  reply: ApprovalTicket,
  run: ({ params }, { approvals, sidecar, work }) =>
    work.commit((unit) =>
      approvals.ticket(unit.executor, { tenant: sidecar.tenant, id: params.id }, unit.nowMs),
    ),
});

const claim = operation({
  id: "fleet_approval_claim",
  method: "POST",
  path: `${path}/{id}/claim`,
  summary: "Take the permission, once",
  description:
    "Whoever is first has it. The same `event_id` may ask again and is answered the same. `root_token_id` is needed where the tenant asks for four eyes.",
  ...row,
  replies: {
    404: NO_APPROVAL,
    409: {
      description:
        "There is nothing to take: the ticket says how it stands, `code` is `approvals.<status>`, `approvals.digest` for another call, or `approvals.four_eyes`.",
      body: z.union([ClaimRefusal, FailureBody]),
    },
  },
  ...byId,
  body: ApprovalClaim,
  example: {
    body: {
      digest: "de4400ddf906bd55030ff643f246cca22958a4e50ff21b01ae9d48b30d424a92",
      event_id: "event-1",
      root_token_id: "01HXYZ",
    },
  },
  reply: z.union([ApprovalTicket, ClaimRefusal]),
  run: async ({ params, body }, { approvals, sidecar, work }) => {
    const key = { tenant: sidecar.tenant, id: params.id };
    const { ticket, refusal } = await work.commit((unit) => approvals.claim(unit, key, body));
    if (refusal === undefined) return ticket;
    return answer({ error: refusal.message, code: refusal.code, ...ticket }, { status: 409 });
  },
});

export const approvalRows = [park, view, claim];
