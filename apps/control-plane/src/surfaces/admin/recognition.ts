// From a bearer credential that is none of the environment's tokens to an operator: a token or session of ours, or a token of the identity
// provider's own. Everything is read when it is asked: what was taken away is gone with the next request, on every replica.
import { type Clock, Fault } from "@postern/fault";
import type { RequestInfo } from "@postern/surface";
import { isOperatorToken, type SignedIn } from "../../domain/operators/model.ts";
import type { Operators } from "../../domain/operators/service.ts";
import type { Actor, Units } from "../../domain/unit.ts";
import type { IdentityProvider } from "../login/identity-provider.ts";
import type { Operator } from "./principal.ts";

/**
 * Who signs in with this; a Fault = why nobody does. Raises unavailable when it cannot be told: "database.unavailable", "issuers.*".
 */
export type Recognise = (token: string, request: RequestInfo) => Promise<SignedIn | Fault>;

export interface RecognitionPorts {
  readonly operators: Operators;
  readonly units: Units;
  readonly clock: Clock;
  readonly provider: IdentityProvider | undefined;
}

export function createRecognition({ operators, units, clock, provider }: RecognitionPorts): Recognise {
  async function vouchedFor(token: string, { verify }: IdentityProvider, request: RequestInfo) {
    const person = await verify(token);
    const known = await units.read((executor) => operators.known(executor, person));
    return known ?? (await units.commit(providerActor(request), (unit) => operators.welcome(unit, person)));
  }

  return async (token, request) => {
    if (isOperatorToken(token)) {
      const found = await units.read((executor) => operators.identify(executor, token, clock.nowMs()));
      return found ?? invalidToken();
    }
    if (provider === undefined || !provider.isOwn(token)) return invalidToken();
    return await vouchedFor(token, provider, request).catch(refusalOf);
  };
}

/** In whose name an operator is made whom nobody but the identity provider has asked for. */
export function providerActor({ remoteAddress, id }: RequestInfo): Actor {
  return { name: "identity-provider", remoteAddress, requestId: id };
}

/** What was caught as the reason why nobody is let in; what says nothing of the credential is raised again. */
export function refusalOf(caught: unknown): Fault {
  if (!(caught instanceof Fault)) throw caught;
  if (caught.kind === "unauthenticated" || caught.kind === "forbidden") return caught;
  if (!caught.code.startsWith("tenant")) throw caught;
  return new Fault("forbidden", "operators.no_tenant", "This login belongs to no tenant here.");
}

export function principalOf({ operator, roles, token }: SignedIn): Operator {
  const { tenant, id, name } = operator;
  return { kind: "operator", tenant, id, name, roles, ...(token && { endsAt: token.expiresAt }) };
}

export function invalidToken(): Fault {
  return new Fault("unauthenticated", "admin.unauthenticated", "The admin token is not valid.");
}
