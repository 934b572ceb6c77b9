// Step 3, continued, for a call that is repeated with the input it asked for (MCP 2026-07-28, `input_required`): the state that comes back
// must not be one that was given to another caller, or for another tool. A state that this sidecar never saw is for the tool server to judge,
// since any instance may have given it out; the call itself is judged anew in any case.
import { ERROR_CODE, reason } from "@postern/contracts";
import { member } from "@postern/mcp";
import type { Handles } from "../handles.ts";
import { rootOf } from "../sessions.ts";
import { type Authenticated, type IdentifiedCall, type Refused, refuse } from "../stages.ts";

export interface StatePorts {
  readonly handles: Pick<Handles, "find">;
}

export function ownState<S extends Authenticated<IdentifiedCall>>(
  stage: S,
  { handles }: StatePorts,
): S | Refused {
  const params = stage.message?.kind === "response" ? undefined : stage.message?.params;
  const state = params === undefined ? undefined : member(params, "requestState");
  if (typeof state !== "string") return stage;
  const given = handles.find("state", stage.upstream, state);
  const isForeign =
    given !== undefined && (given.owner !== rootOf(stage.capability) || given.tool !== stage.tool);
  if (!isForeign) return stage;
  return refuse(stage, {
    code: ERROR_CODE.capability,
    check: "capability",
    reasons: [reason("capability.state")],
    findings: { capability: stage.capability },
  });
}
