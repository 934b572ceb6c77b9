// Step 4 for everything that is not a tool call: whether its method may pass. What is not understood is not forwarded, so a method of a later
// revision never slips through unjudged; what lies beside tools passes only if the configuration names it.
import { ERROR_CODE, reason } from "@postern/contracts";
import { findMethod } from "@postern/mcp";
import { type Authenticated, type IdentifiedOther, type Permitted, type Refused, refuse } from "../stages.ts";

export interface PermitRules {
  /** Methods that pass besides those of every session; "resources/*" means every method that begins with "resources/". */
  readonly allowMethods: readonly string[];
}

export function permitMethod(stage: Authenticated<IdentifiedOther>, rules: PermitRules): Permitted | Refused {
  const { message, method, sessionId } = stage;
  // The streams a server is heard on and the answers to its questions belong to a session; whose it is was checked before.
  if (message === undefined) return permit(stage);
  if (message.kind === "response") {
    return sessionId === ""
      ? deny(stage, "An answer to the tool server needs the session it belongs to.")
      : permit(stage);
  }
  const rule = findMethod(method)?.rule;
  if (rule === "pass" || rule === "filter") return permit(stage);
  const named = rules.allowMethods.some((allowed) => matches(allowed, method));
  return named ? permit(stage) : deny(stage, `The method ${method} is not among those that may pass here.`);
}

const permit = (stage: Authenticated<IdentifiedOther>): Permitted => ({ ...stage, permitted: true });

const deny = (stage: Authenticated<IdentifiedOther>, detail: string): Refused =>
  refuse(stage, {
    code: ERROR_CODE.policy,
    check: "policy",
    reasons: [reason("policy.denied", detail)],
    findings: { capability: stage.capability },
  });

const matches = (allowed: string, method: string) =>
  allowed.endsWith("/*") ? method.startsWith(allowed.slice(0, -1)) : allowed === method;
