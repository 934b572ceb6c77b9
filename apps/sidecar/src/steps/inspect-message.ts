// Step 7, continued: one message of the tool server on its way to the caller. What obligations ask for is done to it, whatever list it is
// loses what this caller may not ask for, and what is given to come back with is noted as this caller's.
import { ERROR_CODE, type JsonObject, type JsonValue, type Reason } from "@postern/contracts";
import type { Judge, ListRequest } from "@postern/decision";
import type { Clock } from "@postern/fault";
import { filterLists, holdsList, isJsonObject, type ListEntry, type ListRules, member } from "@postern/mcp";
import { type Applied, type Obligations, type ResponseOutcome, refuseTooLarge } from "@postern/obligation";
import { denialResponse } from "../denial.ts";
import type { Handles } from "../handles.ts";
import type { Pins } from "../pins/pins.ts";
import { rootOf } from "../sessions.ts";
import { type Forwarded, grow } from "../stages.ts";
import { answerKey } from "./oblige.ts";

export interface MessagePorts {
  readonly judge: Pick<Judge, "visible">;
  readonly handles: Pick<Handles, "give" | "find">;
  readonly pins: Pick<Pins, "admit">;
  readonly clock: Clock;
}

type Stage = Forwarded["stage"];

/**
 * The text that the caller gets of a message: the same text when nothing in it has to change, none when it may not pass.
 * @param message what `JSON.parse` makes of `text`.
 */
export async function inspectMessage(
  stage: Stage,
  text: string,
  message: JsonValue,
  ports: MessagePorts,
): Promise<string | undefined> {
  if (isNews(message) && !(await mayHear(stage, message, ports))) return undefined;
  noteHandles(stage, message, ports);
  const obligations = obligationsFor(stage, message, ports);
  if (obligations === undefined || !isJsonObject(message)) return filterHidden(stage, text, message, ports);
  const outcome = meet(obligations, text, message);
  noteApplied(stage, outcome.applied);
  if (!outcome.ok) return isAnswer(message) ? denialOf(stage, message, outcome.reason) : undefined;
  const changed = outcome.message === message ? text : JSON.stringify(outcome.message);
  return filterHidden(stage, changed, outcome.message, ports);
}

function meet(obligations: Obligations, text: string, message: JsonObject): ResponseOutcome {
  const { responseBytesMax, inspectsResponse } = obligations;
  if (responseBytesMax !== undefined && Buffer.byteLength(text) > responseBytesMax)
    return { ok: false, ...refuseTooLarge(responseBytesMax) };
  return inspectsResponse ? obligations.applyToResponse(message) : { ok: true, message, applied: [] };
}

/** Of the call itself, of the call that began the task, or of the call whose answer comes on a stream that was taken up again. */
function obligationsFor(
  stage: Stage,
  message: JsonValue,
  { handles }: MessagePorts,
): Obligations | undefined {
  if (stage.kind === "call") return stage.obligations;
  if (stage.task !== undefined) return stage.task.obligations;
  const id = isAnswer(message) ? member(message, "id") : undefined;
  if (stage.message !== undefined || (typeof id !== "string" && typeof id !== "number")) return undefined;
  return handles.find("answer", stage.upstream, answerKey(stage.sessionId, id))?.obligations;
}

/** What was done goes into the outcome of the call. */
function noteApplied(stage: Stage, applied: readonly Applied[]): void {
  if (stage.kind === "call" && applied.length > 0) grow(stage, { applied: [...stage.applied, ...applied] });
}

/** The call has run; what it answered may not be told. */
function denialOf(stage: Stage, message: JsonObject, why: Reason): string {
  const check = why.code.startsWith("pii.") ? "pii" : "output_schema";
  const idText = JSON.stringify(member(message, "id") ?? null);
  const denial = { code: ERROR_CODE[check], check, reasons: [why], idText, eventId: stage.eventId } as const;
  return denialResponse(denial, stage.requestId);
}

const filterHidden = (stage: Stage, text: string, message: JsonValue, ports: MessagePorts) =>
  holdsList(message) ? filterLists(text, message, listRules(stage, ports)) : text;

/** MCP 2026-07-28: an answer may be a task to ask after, or a request for input with a state to come back with. 2025-11-25: `result.task`. */
function noteHandles(stage: Stage, message: JsonValue, { handles }: MessagePorts): void {
  const begun = stage.kind === "call" ? stage : stage.task;
  const result = isJsonObject(message) ? member(message, "result") : undefined;
  if (begun === undefined || !isJsonObject(result)) return;
  const { tool, obligations } = begun;
  const handle = { owner: rootOf(stage.capability), tool, obligations };
  const state = member(result, "requestState");
  if (typeof state === "string") handles.give("state", stage.upstream, state, handle);
  const inner = member(result, "task");
  const task = isJsonObject(inner) ? inner : member(result, "resultType") === "task" ? result : undefined;
  const taskId = task && member(task, "taskId");
  if (typeof taskId === "string") handles.give("task", stage.upstream, taskId, handle);
}

const isNews = (message: JsonValue): message is JsonObject =>
  isJsonObject(message) && message.method === "notifications/resources/updated";

/** News of a resource that the caller may not read tells that it exists. */
async function mayHear(stage: Stage, news: JsonObject, { judge }: MessagePorts): Promise<boolean> {
  const params = member(news, "params");
  const uri = isJsonObject(params) ? member(params, "uri") : undefined;
  if (typeof uri !== "string") return false;
  return judge.visible({ ...stage, ...subjectOf({ kind: "resources", name: uri }) });
}

function listRules(stage: Stage, { judge, handles, pins, clock }: MessagePorts): ListRules {
  const { token, upstream, sessionId, remoteAddress, requestId, capability } = stage;
  const asked = { token, upstream, sessionId, remoteAddress, requestId };
  // A stream may outlive what was found out about its caller when it was opened.
  const holder = stage.message === undefined ? undefined : capability;
  return {
    isVisible(entry) {
      const { kind, name, value } = entry;
      if (kind === "tasks") return handles.find("task", upstream, name)?.owner === rootOf(capability);
      // Whatever tool is offered is looked at, hidden or not.
      if (kind === "tools" && !pins.admit(upstream, value)) return false;
      return judge.visible({ ...asked, ...subjectOf(entry) }, holder);
    },
    ...(capability.expiresAtMs !== undefined && { ttlMsMax: capability.expiresAtMs - clock.nowMs() }),
  };
}

/** What the entry of a list is judged as (ADR 0013). */
function subjectOf({
  kind,
  name,
}: Pick<ListEntry, "kind" | "name">): Pick<ListRequest, "tool" | "method" | "args"> {
  if (kind === "tools") return { tool: name, method: "tools/call" };
  if (kind === "prompts") return { tool: "prompts/get", method: "prompts/get", args: { name } };
  return { tool: "resources/read", method: "resources/read", args: { uri: name } };
}

/** A JSON-RPC answer, to whomever. */
export const isAnswer = (message: JsonValue): message is JsonObject =>
  isJsonObject(message) &&
  message.jsonrpc === "2.0" &&
  (Object.hasOwn(message, "result") || isJsonObject(member(message, "error")));
