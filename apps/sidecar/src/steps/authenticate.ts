// Step 3: who sends this. Every message needs a valid capability token that covers its upstream, and a session may be used only under the
// capability that opened it: for anybody else it does not exist (404), which tells a client of its own expired session to initialize again.
import { ERROR_CODE, type Reason } from "@postern/contracts";
import type { Judge } from "@postern/decision";
import { RPC_ERROR } from "@postern/mcp";
import type { Login } from "../login/login.ts";
import type { Sessions } from "../sessions.ts";
import { type Authenticated, grow, type Identified, type Refused, refuse } from "../stages.ts";

export interface AuthenticatePorts {
  readonly judge: Pick<Judge, "authenticate">;
  readonly sessions: Pick<Sessions, "isOwnedBy">;
  readonly login: Pick<Login, "resolve" | "challenge">;
}

export async function authenticate<S extends Identified>(
  identified: S,
  { judge, sessions, login }: AuthenticatePorts,
): Promise<Authenticated<S> | Refused> {
  const { sessionId, upstream, token, headers } = identified;
  const host = headers.get("host");
  const found = token === undefined ? undefined : login.resolve(token, { upstream, host });
  const held = found instanceof Promise ? await found : found;
  const standing =
    typeof held === "object"
      ? unexchanged(held)
      : await judge.authenticate(
          held === token ? identified : grow(identified, { token: held, subjectToken: token }),
        );
  if (!standing.ok) {
    const at = { path: identified.path, host, hadToken: token !== undefined };
    const challenge = login.challenge(standing.reason.code, at);
    const plain = standing.reason.code === "capability.halted" ? 403 : 401;
    const status = identified.verb === "POST" && challenge === undefined ? 200 : plain;
    return refuse(identified, {
      status,
      ...(challenge !== undefined && { challenge }),
      code: ERROR_CODE.capability,
      check: "capability",
      reasons: [standing.reason],
      findings: standing.capability === undefined ? {} : { capability: standing.capability },
    });
  }
  const { capability } = standing;
  if (sessionId !== "" && !sessions.isOwnedBy(upstream, sessionId, capability)) {
    return refuse(identified, {
      status: 404,
      code: RPC_ERROR.invalid_request,
      check: "capability",
      reasons: [{ code: "session.unknown", detail: "There is no such session: initialize again." }],
      findings: { capability },
    });
  }
  return grow(identified, { capability });
}

/** An access token that no capability was given for. */
const unexchanged = (reason: Reason) => ({ ok: false, reason, capability: undefined }) as const;
