// How a caller waits for a person. What was chosen for the sidecar is done where the caller can take part in it, and the next simpler way where
// not: the question in the protocol, then a stream that is kept open, then an error to come back with.
import type { JsonObject } from "@postern/contracts";
import { isJsonObject, type JsonRpcMessage, member, metaOf } from "@postern/mcp";
import type { Sessions } from "../sessions.ts";
import type { Parsed } from "../stages.ts";

/** What can be chosen for a sidecar. */
export const APPROVAL_MODES = ["resume", "block", "protocol"] as const;
export type ApprovalMode = (typeof APPROVAL_MODES)[number];

/**
 * resume: told to come back · hold: kept waiting for the answer · converse: kept waiting, and asked on the stream whether to go on
 * (elicitation, MCP 2025-06-18 and 2025-11-25) · return: asked to come back with an answer (`input_required`, MCP 2026-07-28).
 */
export type WayOfWaiting = "resume" | "hold" | "converse" | "return";

/** Requests that may be answered with `input_required`. */
const ROUND_TRIPS: readonly string[] = ["tools/call", "prompts/get", "resources/read"];
const CAPABILITIES_META_KEY = "io.modelcontextprotocol/clientCapabilities";

type Asking = Pick<Parsed, "door" | "era" | "message" | "method" | "upstream" | "sessionId" | "headers">;

/** `bringsInput`: the request answers the tool server's own questions, which another round would have to bring again. */
export function wayOfWaiting(
  mode: ApprovalMode,
  stage: Asking,
  { bringsInput, sessions }: { readonly bringsInput: boolean; readonly sessions: Pick<Sessions, "elicits"> },
): WayOfWaiting {
  if (mode === "resume" || stage.door !== "mcp") return "resume";
  if (mode === "block") return "hold";
  if (stage.era === "modern") {
    const returns = ROUND_TRIPS.includes(stage.method) && !bringsInput && statesElicitation(stage.message);
    return returns ? "return" : streamOrError(stage);
  }
  const { upstream, sessionId } = stage;
  return takesStream(stage) && sessionId !== "" && sessions.elicits(upstream, sessionId)
    ? "converse"
    : streamOrError(stage);
}

const streamOrError = (stage: Asking): WayOfWaiting => (takesStream(stage) ? "hold" : "resume");

/** Whether the answer may be a stream of events. */
export const takesStream = ({ headers }: Pick<Parsed, "headers">): boolean =>
  (headers.get("accept") ?? "").split(",").some((type) => /^\s*text\/event-stream\s*(;|$)/i.test(type));

/** Whether these capabilities of a client include a form that its user fills in. An empty object says so too. */
export function includesElicitation(capabilities: unknown): boolean {
  const elicitation = isJsonObject(capabilities)
    ? member(capabilities as JsonObject, "elicitation")
    : undefined;
  if (!isJsonObject(elicitation)) return false;
  return Object.keys(elicitation).length === 0 || Object.hasOwn(elicitation, "form");
}

function statesElicitation(message: JsonRpcMessage | undefined): boolean {
  const meta = message === undefined ? undefined : metaOf(message);
  return meta !== undefined && includesElicitation(member(meta, CAPABILITIES_META_KEY));
}
