// Step 3: who sends this. Every message needs a valid capability token that covers its upstream, and a session may be used only under the
// capability that opened it: for anybody else it does not exist (404), which tells a client of its own expired session to initialize again.
import { ERROR_CODE } from "@postern/contracts";
import type { Judge } from "@postern/decision";
import { RPC_ERROR } from "@postern/mcp";
import type { Sessions } from "../sessions.ts";
import { type Authenticated, type Identified, type Refused, refuse } from "../stages.ts";

export interface AuthenticatePorts {
  readonly judge: Pick<Judge, "authenticate">;
  readonly sessions: Pick<Sessions, "isOwnedBy">;
}

export async function authenticate<S extends Identified>(
  identified: S,
  { judge, sessions }: AuthenticatePorts,
): Promise<Authenticated<S> | Refused> {
  const { sessionId, upstream } = identified;
  const standing = await judge.authenticate(identified);
  if (!standing.ok) {
    const status = identified.verb === "POST" ? 200 : 401;
    return refuse(identified, {
      status,
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
  return { ...identified, capability };
}
