// What becomes of a login that fails, at whatever door: it is told in the chain before the caller hears of it, unless its network has failed
// too often and must wait; what was too much to tell one by one is told as a sum.
import { type Clock, Fault } from "@postern/fault";
import type { RequestInfo } from "@postern/surface";
import { SYSTEM_TENANT } from "../../domain/tenants/model.ts";
import type { Act, Actor } from "../../domain/unit.ts";
import { createThrottle } from "./throttle.ts";

export interface FailedLogins {
  /** What to answer: the refusal, or limited "admin.throttled". */
  answer(request: RequestInfo, refusal: Fault): Promise<Fault>;
  /** One event for each network whose failures were too many to tell one by one. To be called now and then. */
  tellUnheard(): Promise<void>;
}

export interface FailedLoginPorts {
  readonly clock: Clock;
  /** Failures that one network may make in a minute before it must wait. */
  readonly perMinute: number;
  readonly tell: (actor: Actor, act: Act) => Promise<void>;
}

const FAILED_LOGIN = {
  tenant: SYSTEM_TENANT,
  name: "login",
  decision: "block",
  check: "authentication",
} as const;

export function createFailedLogins({ clock, perMinute, tell }: FailedLoginPorts): FailedLogins {
  const throttle = createThrottle({ clock, failuresMax: perMinute, tryEveryMs: 60_000 / perMinute });
  return {
    async answer({ id, remoteAddress }, refusal) {
      const waitMs = throttle.failed(remoteAddress);
      if (waitMs > 0) {
        const seconds = Math.ceil(waitMs / 1000);
        return new Fault("limited", "admin.throttled", `Too many failed logins: wait ${seconds} s.`);
      }
      const actor = { name: "", remoteAddress, requestId: id };
      await tell(actor, { ...FAILED_LOGIN, reason: refusal.message, details: { code: refusal.code } });
      return refusal;
    },

    async tellUnheard() {
      for (const [network, failures] of throttle.takeUnheard()) {
        const reason = "These logins failed and were too many to tell one by one.";
        const actor = { name: "", remoteAddress: network, requestId: "" };
        await tell(actor, { ...FAILED_LOGIN, reason, details: { failures } });
      }
    },
  };
}
