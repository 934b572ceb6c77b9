// The judge bound to its ports: what a process holds. Its answers are here at once whenever those of its ports are.
import type { Capability } from "@postern/contracts";
import { authenticate, decide, visible } from "./decide.ts";
import type { Eventually } from "./eventually.ts";
import type { JudgePorts } from "./ports.ts";
import type { CallRequest, Decision, ListRequest, MessageRequest, Standing } from "./verdict.ts";

export interface Judge {
  /** Who sends any message at all, and whether the token stands for it (initialize, tools/list, a stream, …). Never throws. `holder` as for `decide`. */
  authenticate(message: MessageRequest, holder?: Capability): Eventually<Standing>;
  /**
   * Never throws: trouble is a denial. An allowed call holds a budget reservation that must be settled or released. `holder` is what
   * `authenticate` found in the call's own token just now: its signatures are not verified again, while time and revocation are asked anew.
   */
  decide(call: CallRequest, holder?: Capability): Eventually<Decision>;
  /** Never throws: trouble hides. `holder` as for `decide`. */
  visible(request: ListRequest, holder?: Capability): Eventually<boolean>;
}

export function createJudge(ports: JudgePorts): Judge {
  return {
    authenticate: (message, holder) => authenticate(ports, message, holder),
    decide: (call, holder) => decide(ports, call, holder),
    visible: (request, holder) => visible(ports, request, holder),
  };
}
