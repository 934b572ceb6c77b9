// What a row of the login door works with.
import { operationsFor, type RequestInfo } from "@postern/surface";
import type { Operator, SignedIn } from "../../domain/operators/model.ts";
import type { Operators } from "../../domain/operators/service.ts";
import type { Units } from "../../domain/unit.ts";
import type { AttemptCookies } from "./attempt-cookie.ts";
import type { IdentityProvider } from "./identity-provider.ts";

export interface LoginContext {
  readonly operators: Operators;
  readonly units: Units;
  readonly nowMs: number;
  readonly cookies: AttemptCookies;
  readonly randomBytes: (count: number) => Uint8Array;
  /** undefined where none is configured. */
  readonly provider: IdentityProvider | undefined;
  /** Who signed in; undefined at a public row. */
  readonly session: SignedIn | undefined;
}

export const operation = operationsFor<LoginContext>();

/** In whose name a session begins and ends. */
export function operatorActor({ name }: Operator, { remoteAddress, id }: RequestInfo) {
  return { name: `operator:${name}`, remoteAddress, requestId: id };
}
