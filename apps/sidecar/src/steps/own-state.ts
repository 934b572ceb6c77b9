// Step 3, continued, for a call that is repeated with the input it asked for (MCP 2026-07-28, `input_required`): the state that comes back
// must not be one that was given to another caller, or for another tool. A state that this sidecar never saw is for the tool server to judge,
// since any instance may have given it out; the call itself is judged anew in any case. A state of our own, of a call that waits for a person, is
// read here and goes no further: whichever instance gave it out, it holds nothing but a name.
import { ERROR_CODE, type JsonObject, type JsonValue, reason } from "@postern/contracts";
import { isJsonObject, member } from "@postern/mcp";
import { APPROVAL_KEY, declines, pendingIdIn } from "../approvals/user-questions.ts";
import type { Handles } from "../handles.ts";
import { rewriteMessage } from "../rewrite-message.ts";
import { rootOf } from "../sessions.ts";
import { type Authenticated, grow, type IdentifiedCall, type Refused, refuse } from "../stages.ts";

export interface StatePorts {
  readonly handles: Pick<Handles, "find">;
}

export function ownState<S extends Authenticated<IdentifiedCall>>(
  stage: S,
  { handles }: StatePorts,
): S | Refused {
  const params = stage.message?.kind === "response" ? undefined : stage.message?.params;
  const state = params === undefined ? undefined : member(params, "requestState");
  if (params === undefined || typeof state !== "string") return stage;
  const given = handles.find("state", stage.upstream, state);
  const isForeign =
    given !== undefined && (given.owner !== rootOf(stage.capability) || given.tool !== stage.tool);
  const pendingId = pendingIdIn(state);
  if (!isForeign) return pendingId === undefined ? stage : takeOwn(stage, params, pendingId);
  return refuse(stage, {
    code: ERROR_CODE.capability,
    check: "capability",
    reasons: [reason("capability.state")],
    findings: { capability: stage.capability },
  });
}

/** The call as it was before it was asked to come back. */
function takeOwn<S extends Authenticated<IdentifiedCall>>(
  stage: S,
  params: JsonObject,
  pendingId: string,
): S {
  const answers = member(params, "inputResponses");
  const isDeclined = declines(isJsonObject(answers) ? member(answers, APPROVAL_KEY) : undefined);
  const { inputResponses: _answers, requestState: _state, ...asked } = params;
  const before = rewriteMessage(stage, { ...asked, ...othersOf(answers) });
  // What is judged of anything but a tool call are its params.
  if (stage.method !== "tools/call") {
    const { inputResponses: _judged, requestState: _named, ...args } = stage.args;
    grow(before, { args: { ...args, ...othersOf(answers) } });
  }
  return grow(before, { returned: { pendingId, isDeclined } });
}

/** Answers to other questions than ours. */
function othersOf(answers: JsonValue | undefined): JsonObject {
  if (answers === undefined) return {};
  if (!isJsonObject(answers)) return { inputResponses: answers };
  const { [APPROVAL_KEY]: _ours, ...others } = answers;
  return Object.keys(others).length === 0 ? {} : { inputResponses: others };
}
