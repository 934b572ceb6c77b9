// The judge bound to its ports: what a process holds.
import { authenticate, decide, visible } from "./decide.ts";
import type { JudgePorts } from "./ports.ts";
import type { CallRequest, Decision, ListRequest, MessageRequest, Standing } from "./verdict.ts";

export interface Judge {
  /** Who sends any message at all, and whether the token stands for it (initialize, tools/list, a stream, …). Never throws. */
  authenticate(message: MessageRequest): Promise<Standing>;
  /** Never throws: trouble is a denial. An allowed call holds a budget reservation that must be settled or released. */
  decide(call: CallRequest): Promise<Decision>;
  /** Never throws: trouble hides the tool. */
  visible(request: ListRequest): Promise<boolean>;
}

export function createJudge(ports: JudgePorts): Judge {
  return {
    authenticate: (message) => authenticate(ports, message),
    decide: (call) => decide(ports, call),
    visible: (request) => visible(ports, request),
  };
}
