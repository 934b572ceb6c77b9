// The judge bound to its ports: what a process holds.
import type { Capability } from "@postern/contracts";
import { authenticate, decide, visible } from "./decide.ts";
import type { JudgePorts } from "./ports.ts";
import type { CallRequest, Decision, Finding, ListRequest } from "./verdict.ts";

export interface Judge {
  /** For messages that are no tool call (initialize, tools/list, …). Never throws. */
  authenticate(token: string | undefined): Promise<Finding<Capability>>;
  /** Never throws: trouble is a denial. An allowed call holds a budget reservation that must be settled or released. */
  decide(call: CallRequest): Promise<Decision>;
  /** Never throws: trouble hides the tool. */
  visible(request: ListRequest): Promise<boolean>;
}

export function createJudge(ports: JudgePorts): Judge {
  return {
    authenticate: (token) => authenticate(ports, token),
    decide: (call) => decide(ports, call),
    visible: (request) => visible(ports, request),
  };
}
