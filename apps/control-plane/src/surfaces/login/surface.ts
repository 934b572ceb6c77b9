// The login door: how operators get a session with the company's identity provider. Its cookie binds a login to a browser and opens no other
// door: the admin interface takes bearer tokens only. Failures are told and throttled together with those at the admin door.
import { hkdfSync } from "node:crypto";
import { type Clock, Fault } from "@postern/fault";
import type { Door, RequestInfo, Surface } from "@postern/surface";
import type { Nouns } from "../../domain/nouns.ts";
import type { SignedIn } from "../../domain/operators/model.ts";
import type { Units } from "../../domain/unit.ts";
import { bearerOf, missingToken } from "../admin/auth.ts";
import type { FailedLogins } from "../admin/failed-logins.ts";
import { invalidToken, type Recognise, refusalOf } from "../admin/recognition.ts";
import { FailureBody, failureOf } from "../failure.ts";
import type { Report } from "../report.ts";
import { createAttemptCookies } from "./attempt-cookie.ts";
import type { LoginContext } from "./context.ts";
import type { IdentityProvider } from "./identity-provider.ts";
import { browserLoginRows } from "./login.ops.ts";

export interface LoginPorts {
  readonly nouns: Nouns;
  readonly units: Units;
  readonly clock: Clock;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly report: Report;
  readonly failures: FailedLogins;
  readonly recognise: Recognise;
  readonly identityProvider?: IdentityProvider | undefined;
  /** The same on all replicas. */
  readonly cursorSecret: Uint8Array;
}

export const loginFace = {
  name: "login",
  prefixes: ["/v1/auth"],
  security: { type: "http", scheme: "bearer", description: "The token of a session." },
  failureBody: FailureBody,
} as const;

export function createLoginSurface(ports: LoginPorts): Surface<SignedIn, LoginContext> {
  const { nouns, units, clock, randomBytes, failures, recognise, identityProvider: provider } = ports;
  const cookies = createAttemptCookies({
    key: new Uint8Array(hkdfSync("sha256", ports.cursorSecret, "", "postern/login-cookie/v1", 32)),
    clock,
    isSecure: provider?.redirectUrl?.startsWith("https:") ?? true,
  });

  /** A session and nothing else: a token that an admin issued is not its bearer's to end. */
  async function sessionOf(request: RequestInfo): Promise<SignedIn | Fault> {
    const token = bearerOf(request.headers);
    if (token === undefined) return missingToken();
    const found = await recognise(token, request);
    if (found instanceof Fault) return await failures.answer(request, found);
    return found.token?.kind === "session" ? found : invalidToken();
  }

  /** A login that is refused is a failed one; what is wrong on our side is not. */
  async function answered(request: RequestInfo, caught: unknown): Promise<Fault> {
    return await failures.answer(request, refusalOf(caught));
  }

  const door: Door<SignedIn, LoginContext> = {
    ...loginFace,
    authenticate: sessionOf,
    authorize: () => undefined,
    async within({ principal, request }, work) {
      const { operators } = nouns;
      const session = principal;
      const context = { operators, units, nowMs: clock.nowMs(), cookies, randomBytes, provider, session };
      return await work(context).catch(async (caught: unknown) => {
        throw await answered(request, caught);
      });
    },
    failure: failureOf,
    report: ports.report,
  };
  return { door, rows: browserLoginRows };
}
