// What a client's user is asked while a person decides: whether to go on waiting. The question is ours, so neither it nor its answer ever reaches
// a tool server: both carry a name of our own.
import type { JsonObject, JsonValue } from "@postern/contracts";
import { Identifier } from "@postern/contracts";
import { isJsonObject, member } from "@postern/mcp";

/** Key of our question and of its answer, and of what names an approval in `_meta`. */
export const APPROVAL_KEY = "postern/approval";
/** Begins each state and each request id of ours. */
const OURS = "postern-approval:";

export const stateOf = (pendingId: string): string => OURS + pendingId;

/** The approval that a state of ours is about; undefined for a tool server's. */
export function pendingIdIn(state: string): string | undefined {
  return state.startsWith(OURS) ? state.slice(OURS.length) : undefined;
}

export const questionId = (unique: string): string => OURS + unique;
export const isQuestionId = (id: unknown): id is string => typeof id === "string" && id.startsWith(OURS);

/** A result that asks to come back (MCP 2026-07-28, multi round-trip requests). */
export const inputRequired = (pendingId: string, why: string): JsonObject => ({
  resultType: "input_required",
  inputRequests: { [APPROVAL_KEY]: { method: "elicitation/create", params: form(why) } },
  requestState: stateOf(pendingId),
});

/** A request on the caller's own stream (MCP 2025-06-18, elicitation). */
export const elicitation = (id: string, why: string): string =>
  JSON.stringify({ jsonrpc: "2.0", id, method: "elicitation/create", params: form(why) });

/** Takes back what was asked. */
export const withdrawal = (requestId: string): string =>
  JSON.stringify({
    jsonrpc: "2.0",
    method: "notifications/cancelled",
    params: { requestId, reason: "The wait for an approval is over." },
  });

const form = (why: string): JsonObject => ({
  mode: "form",
  message: `A person has to approve this call before it runs: ${why} Keep waiting?`,
  requestedSchema: { type: "object", properties: {} },
});

/** Whether an answer says that its user does not want to wait. */
export function declines(answer: JsonValue | undefined): boolean {
  const action = isJsonObject(answer) ? member(answer, "action") : undefined;
  return action === "decline" || action === "cancel";
}

/** What stands for an approval's id in a header or in `_meta`; undefined is no id at all. */
export const readPendingId = (given: unknown): string | undefined => Identifier.safeParse(given).data;
