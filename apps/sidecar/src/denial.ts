// What a refused caller is told beside code and sentence: which check, why in a word that stays, and where it is recorded.
import type { JsonValue } from "@postern/contracts";
import { errorResponse } from "@postern/mcp";
import type { Refused } from "./stages.ts";

type Denial = Pick<Refused, "code" | "check" | "reasons" | "eventId" | "data" | "idText">;

/** The JSON-RPC error. `data` of the refusal itself is what the specification of MCP asks for, and goes before ours. */
export function denialResponse(denial: Denial, requestId: string): string {
  const { code, reasons, idText } = denial;
  const message = reasons[0]?.detail ?? "";
  return errorResponse(idText, { code, message, data: denial.data ?? dataOf(denial, requestId) });
}

function dataOf({ check, reasons, eventId }: Denial, requestId: string): JsonValue {
  return {
    ...(check !== "" && { check }),
    reason: reasons[0]?.code ?? "internal",
    detail: reasons[0]?.detail ?? "",
    reasons: reasons.map(({ code, detail }) => ({ code, detail })),
    request_id: requestId,
    ...(eventId !== undefined && { event_id: eventId }),
  };
}
