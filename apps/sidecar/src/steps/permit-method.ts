// Step 4 for everything that is not a tool call: whether its method may pass. What is not understood is not forwarded, so a method of a later
// revision never slips through unjudged; what lies beside tools passes only if the configuration names it, and is recorded then.
import { ERROR_CODE, reason } from "@postern/contracts";
import { findMethod, RPC_ERROR } from "@postern/mcp";
import {
  type Admitted,
  type Authenticated,
  type IdentifiedOther,
  type Permitted,
  type Refused,
  refuse,
} from "../stages.ts";

export interface PermitRules {
  /** Methods that pass besides those of every session; "resources/*" means every method that begins with "resources/". */
  readonly allowMethods: readonly string[];
}

export function permitMethod(
  stage: Authenticated<IdentifiedOther>,
  rules: PermitRules,
): Permitted | Admitted | Refused {
  const { message, method, sessionId } = stage;
  // A stream to be heard on, its end, and an answer to a tool server's question mean something within a session only. A session that is
  // named here is the caller's own: authentication has asked. One that is not named cannot be, so nothing of the kind goes through.
  const needsSession = message === undefined || message.kind === "response";
  if (needsSession && sessionId === "") return message === undefined ? denyStream(stage) : denyAnswer(stage);
  const rule = findMethod(method)?.rule;
  if (needsSession || rule === "pass" || rule === "filter") return { ...stage, passes: "always" };
  const named = rules.allowMethods.some((allowed) => matches(allowed, method));
  return named
    ? { ...stage, passes: "configured" }
    : deny(stage, `The method ${method} is not among those that may pass here.`);
}

/** Streamable HTTP, Listening for Messages: 405 says that there is no such stream here. */
const denyStream = (stage: Authenticated<IdentifiedOther>): Refused =>
  refuse(stage, {
    status: 405,
    code: RPC_ERROR.invalid_request,
    check: "",
    reasons: [{ code: "session.unknown", detail: "GET and DELETE need the session that they belong to." }],
    findings: { capability: stage.capability },
  });

const denyAnswer = (stage: Authenticated<IdentifiedOther>) =>
  deny(stage, "An answer to the tool server needs the session it belongs to.");

const deny = (stage: Authenticated<IdentifiedOther>, detail: string): Refused =>
  refuse(stage, {
    code: ERROR_CODE.policy,
    check: "policy",
    reasons: [reason("policy.denied", detail)],
    findings: { capability: stage.capability },
  });

const matches = (allowed: string, method: string) =>
  allowed.endsWith("/*") ? method.startsWith(allowed.slice(0, -1)) : allowed === method;
