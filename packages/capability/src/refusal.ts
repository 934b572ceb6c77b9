// Reading a token is parsing, and text that does not parse is a Fault, here as in @postern/signing. The verifier is the
// edge of this package: it turns such a Fault into the reason that it stands for, and throws nothing.
import { REASONS, type Reason, type ReasonCode, reason } from "@postern/contracts";
import { Fault } from "@postern/fault";

export function refusal(code: ReasonCode, detail: string = REASONS[code]): Fault {
  return new Fault("unauthenticated", code, detail);
}

const FROM_SIGNING: Readonly<Record<string, ReasonCode>> = {
  "signing.malformed": "capability.malformed",
  "signing.signature": "capability.signature",
  // The only key text that a token can bring is a `next` that is no point on the curve.
  "signing.key": "capability.malformed",
};

/** The reason that a Fault stands for; undefined when it is trouble of our own. */
export function reasonOf(fault: Fault): Reason | undefined {
  if (isReasonCode(fault.code)) return reason(fault.code, fault.message);
  const code = FROM_SIGNING[fault.code];
  return code === undefined ? undefined : reason(code);
}

function isReasonCode(code: string): code is ReasonCode {
  return Object.hasOwn(REASONS, code) && code.startsWith("capability.");
}
