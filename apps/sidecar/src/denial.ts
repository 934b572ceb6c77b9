// What a refused caller is told beside code and sentence: which check, why in a word that stays, and where it is recorded.
import type { ApprovalTicket, JsonValue } from "@postern/contracts";
import { errorResponse, resultResponse } from "@postern/mcp";
import { RESUME, RESUME_HEADER_ALIAS } from "./approvals/named-approval.ts";
import type { Refused } from "./stages.ts";

type Denial = Pick<
  Refused,
  "code" | "check" | "reasons" | "eventId" | "data" | "idText" | "approval" | "result"
>;

/**
 * The JSON-RPC error, or the result that stands in its place. `data` of the refusal itself is what the specification of MCP asks for, and goes
 * before ours.
 */
export function denialResponse(denial: Denial, requestId: string): string {
  const { code, reasons, idText, result } = denial;
  if (result !== undefined && idText !== undefined) return resultResponse(idText, result);
  const message = reasons[0]?.detail ?? "";
  return errorResponse(idText, { code, message, data: denial.data ?? dataOf(denial, requestId) });
}

function dataOf({ check, reasons, eventId, approval }: Denial, requestId: string): JsonValue {
  return {
    ...(check !== "" && { check }),
    reason: reasons[0]?.code ?? "internal",
    detail: reasons[0]?.detail ?? "",
    reasons: reasons.map(({ code, detail }) => ({ code, detail })),
    request_id: requestId,
    ...(eventId !== undefined && { event_id: eventId }),
    ...(approval !== undefined && standingOf(approval)),
  };
}

/** Who decided is no business of whoever asked. */
function standingOf({ pending_id, status, expires_at }: ApprovalTicket) {
  const how = { expires_at, resume: { ...RESUME }, resume_header: RESUME_HEADER_ALIAS };
  return { pending_id, status, ...(status === "pending" && how) };
}
