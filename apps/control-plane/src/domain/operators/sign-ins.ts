// Who signs in: by a token or session of ours, or vouched for by the identity provider. Nothing is kept between requests, so what was taken
// away is gone at once. Whom the provider vouches for without roles, or whom an admin has removed, is known and refused; a Fault says so.
import { createHash } from "node:crypto";
import { Fault } from "@postern/fault";
import type { Executor } from "../../database/connection.ts";
import { requireServed } from "../tenants/service.ts";
import type { Unit } from "../unit.ts";
import {
  codeText,
  digestOf,
  inOrder,
  type Operator,
  type OperatorToken,
  type Person,
  recordOperator,
  SECRET_BYTES,
  type SignedIn,
  tenantOfCode,
  tenantOfToken,
  tokenText,
} from "./model.ts";
import {
  deleteEndedSessions,
  deleteOldLogins,
  deleteTokens,
  findByIdentity,
  findByToken,
  findLogin,
  findOperator,
  insertLogin,
  insertOperator,
  insertToken,
  type LoginKey,
  lockOperator,
  updateOperator,
  useLogin,
} from "./store.ts";

/** What a browser comes back with: the code that we gave it, and the state that it began with. */
export interface HandOff {
  readonly code: string;
  readonly state: string;
}

export interface SignIns {
  /** Whose token this is: one read. undefined when it is not valid (any more). */
  identify(executor: Executor, text: string, nowMs: number): Promise<SignedIn | undefined>;
  /** The operator that a person is here; undefined = nobody yet, a Fault (forbidden "operators.*") = it may not sign in. */
  known(executor: Executor, person: Person): Promise<SignedIn | Fault | undefined>;
  /** As `known`; makes an operator of whom nobody knows and the provider's claims give roles. */
  welcome(unit: Unit, person: Person): Promise<SignedIn | Fault>;
  /**
   * Keeps a login until its browser fetches the session, for a minute. The code, or why not: forbidden "operators.*", or
   * unauthenticated "operators.login" when this state has come back before.
   */
  handOff(unit: Unit, person: Person, state: string): Promise<string | Fault>;
  /** Whose login waits for this browser; undefined when none does. */
  waiting(executor: Executor, handOff: HandOff, nowMs: number): Promise<Operator | undefined>;
  /** Begins the session of a login that waits, once. undefined when none does. */
  begin(unit: Unit, handOff: HandOff): Promise<{ signedIn: SignedIn; text: string } | undefined>;
  /** Ends a session. */
  end(unit: Unit, session: SignedIn): Promise<void>;
}

const SESSION_MS = 8 * 3_600_000;
const HAND_OFF_MS = 60_000;
/** Longer than a browser may take to come back, so that no state comes back twice. */
const LOGIN_KEPT_MS = 3_600_000;

export function createSignIns({ randomBytes }: { randomBytes: (count: number) => Uint8Array }): SignIns {
  async function welcome(unit: Unit, person: Person): Promise<SignedIn | Fault> {
    const before = await known(unit.executor, person);
    if (before !== undefined) return before;
    await requireServed(unit.executor, person.tenant);
    const { tenant, issuer, subject, roles } = person;
    const at = new Date(unit.nowMs);
    const by = unit.actor.name;
    for (const name of [person.name, `${person.name.slice(0, 51)}-${markOf(person)}`]) {
      const operator: Operator = {
        ...{ tenant, id: unit.newId(), name, roles: inOrder(roles), rolesFrom: "provider", issuer, subject },
        ...{ createdAt: at, createdBy: by, updatedAt: at, updatedBy: by, removedAt: null },
      };
      if (await insertOperator(unit.executor, operator)) {
        recordOperator(unit, "create_operator", operator);
        return { operator, roles: operator.roles, token: undefined };
      }
      // Somebody has the name, or the same person has just come by another door.
      const meanwhile = await known(unit.executor, person);
      if (meanwhile !== undefined) return meanwhile;
    }
    throw new Fault("conflict", "operators.name", "There is no name left for this operator.");
  }

  return {
    async identify(executor, text, nowMs) {
      const tenant = tenantOfToken(text);
      if (tenant === undefined) return undefined;
      const found = await findByToken(executor, { tenant, sha256: digestOf(text) });
      const endsMs = found?.token.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY;
      return found === undefined || endsMs <= nowMs ? undefined : signedIn(found.operator, found.token);
    },

    known,
    welcome,

    async handOff(unit, person, state) {
      const welcomed = await welcome(unit, person);
      if (welcomed instanceof Fault) return welcomed;
      const { operator, roles } = welcomed;
      const { tenant } = operator;
      const code = codeText(tenant, randomBytes(SECRET_BYTES));
      await deleteOldLogins(unit.executor, tenant, new Date(unit.nowMs - LOGIN_KEPT_MS));
      const isFirst = await insertLogin(unit.executor, {
        ...{ tenant, codeSha256: digestOf(code), stateSha256: digestOf(state) },
        ...{ operatorId: operator.id, roles, createdAt: new Date(unit.nowMs), usedAt: null },
      });
      return isFirst ? code : new Fault("unauthenticated", "operators.login", "This login was used already.");
    },

    async waiting(executor, handOff, nowMs) {
      const key = loginKey(handOff);
      const login = key && (await findLogin(executor, key, new Date(nowMs - HAND_OFF_MS)));
      return login && (await findOperator(executor, { tenant: login.tenant, id: login.operatorId }));
    },

    async begin(unit, handOff) {
      const key = loginKey(handOff);
      const at = new Date(unit.nowMs);
      const login =
        key && (await useLogin(unit.executor, key, { since: new Date(unit.nowMs - HAND_OFF_MS), at }));
      const operator =
        login && (await lockOperator(unit.executor, { tenant: login.tenant, id: login.operatorId }));
      if (login === undefined || operator === undefined) return undefined;
      const { tenant, id } = operator;
      await deleteEndedSessions(unit.executor, operator, at);
      if (operator.rolesFrom === "provider")
        await updateOperator(unit.executor, { ...operator, roles: login.roles });
      const text = tokenText(tenant, randomBytes(SECRET_BYTES));
      const token: OperatorToken = {
        ...{ tenant, sha256: digestOf(text), id: unit.newId(), operatorId: id, kind: "session", label: "" },
        ...{ roles: login.roles, createdAt: at, createdBy: unit.actor.name },
        expiresAt: new Date(unit.nowMs + SESSION_MS),
      };
      await insertToken(unit.executor, token);
      const begun = signedIn(operator, token);
      const { issuer, subject } = operator;
      const details = { operator_id: id, session_id: token.id, roles: [...begun.roles], issuer, subject };
      unit.record({ tenant, name: "login", details });
      return { signedIn: begun, text };
    },

    async end(unit, { operator, token }) {
      if (token === undefined) return;
      await deleteTokens(unit.executor, operator, { id: token.id });
      const details = { operator_id: operator.id, session_id: token.id };
      unit.record({ tenant: operator.tenant, name: "logout", details });
    },
  };
}

async function known(executor: Executor, person: Person): Promise<SignedIn | Fault | undefined> {
  const operator = await findByIdentity(executor, person);
  if (operator !== undefined && operator.removedAt !== null) {
    return new Fault("forbidden", "operators.removed", "An admin has removed this operator.");
  }
  const roles = operator?.rolesFrom === "here" ? operator.roles : inOrder(person.roles);
  if (roles.length === 0) {
    return new Fault("forbidden", "operators.no_role", "This login gives no role here.");
  }
  return operator && { operator, roles, token: undefined };
}

/** A role that an admin has given or taken since the token was made counts. */
function signedIn(operator: Operator, token: OperatorToken): SignedIn {
  const isBrought = operator.rolesFrom === "provider" && token.kind === "session";
  return { operator, token, roles: isBrought ? token.roles : operator.roles };
}

function loginKey({ code, state }: HandOff): LoginKey | undefined {
  const tenant = tenantOfCode(code);
  if (tenant === undefined) return undefined;
  return { tenant, codeSha256: digestOf(code), stateSha256: digestOf(state) };
}

/** Tells apart two people whom the provider calls the same. */
function markOf({ issuer, subject }: Person): string {
  return createHash("sha256")
    .update(JSON.stringify([issuer, subject]))
    .digest("hex")
    .slice(0, 12);
}
