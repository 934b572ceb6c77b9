// Who the operators of a tenant are. Whatever is taken away (an operator, a role, a token) is gone with the transaction, on every replica:
// each request reads it anew. What anybody may give is decided at the door: only an admin administers, and an admin has every role's rights;
// where the tenant asks for two people, one alone gives nothing.
import type { OperatorRole } from "@postern/contracts";
import { Fault } from "@postern/fault";
import type { Executor } from "../../database/connection.ts";
import { requireSecondToEmpower } from "../tenants/second-person.ts";
import { requireServed } from "../tenants/service.ts";
import { tenantSettings } from "../tenants/settings.ts";
import type { Unit } from "../unit.ts";
import {
  digestOf,
  type Identity,
  inOrder,
  type Operator,
  type OperatorKey,
  type OperatorToken,
  recordOperator,
  SECRET_BYTES,
  tokenText,
} from "./model.ts";
import { createSignIns, type SignIns } from "./sign-ins.ts";
import {
  deleteTokens,
  findByIdentity,
  findOperator,
  insertOperator,
  insertToken,
  isNameTaken,
  lockIdentities,
  lockOperator,
  type OperatorPage,
  selectOperators,
  selectTokens,
  updateOperator,
  useLogins,
} from "./store.ts";

/** What is absent stays; `identity: null` takes it away. */
export interface OperatorChange {
  readonly roles?: readonly OperatorRole[] | undefined;
  readonly identity?: Identity | null | undefined;
}

export interface Operators extends SignIns {
  /**
   * Faults: conflict "operators.name", "operators.identity"; not_found "tenant.not_found"; forbidden "settings.second_person", as `change` and
   * `issue`.
   */
  add(
    unit: Unit,
    request: {
      tenant: string;
      name: string;
      roles: readonly OperatorRole[];
      identity: Identity | undefined;
    },
  ): Promise<Operator>;
  /** Faults: not_found "operators.unknown", as all that follow; conflict "operators.identity". Sessions of another identity end. */
  change(unit: Unit, key: OperatorKey, change: OperatorChange): Promise<Operator>;
  /** The name stays taken; tokens and sessions end. */
  remove(unit: Unit, key: OperatorKey): Promise<void>;
  find(executor: Executor, key: OperatorKey): Promise<Operator>;
  list(executor: Executor, page: OperatorPage): Promise<readonly Operator[]>;
  /** The text is shown here and never again. Faults: conflict "operators.provider_roles"; limited "operators.many_tokens". */
  issue(
    unit: Unit,
    key: OperatorKey,
    request: { label: string; ttlSeconds: number | undefined },
  ): Promise<{ token: OperatorToken; text: string }>;
  tokens(executor: Executor, key: OperatorKey): Promise<readonly OperatorToken[]>;
  /** Ends a token or a session. Faults: not_found "operators.unknown_token". */
  revoke(unit: Unit, key: OperatorKey, tokenId: string): Promise<void>;
}

/** More than anybody needs who rotates them. */
const TOKENS_MAX = 20;

export function createOperators({ randomBytes }: { randomBytes: (count: number) => Uint8Array }): Operators {
  return {
    ...createSignIns({ randomBytes }),

    async add(unit, { tenant, name, roles, identity }) {
      await requireServed(unit.executor, tenant);
      requireSecondToEmpower(unit, await tenantSettings(unit.executor, tenant));
      const at = new Date(unit.nowMs);
      const by = unit.actor.name;
      const operator: Operator = {
        ...{ tenant, id: unit.newId(), name, roles: inOrder(roles), rolesFrom: "here" },
        ...{ issuer: identity?.issuer ?? null, subject: identity?.subject ?? null },
        ...{ createdAt: at, createdBy: by, updatedAt: at, updatedBy: by, removedAt: null },
      };
      if (!(await insertOperator(unit.executor, operator))) {
        throw (await isNameTaken(unit.executor, tenant, name)) ? nameTaken(name) : identityTaken();
      }
      recordOperator(unit, "create_operator", operator);
      return operator;
    },

    async change(unit, key, { roles, identity }) {
      const operator = await locked(unit, key);
      requireSecondToEmpower(unit, await tenantSettings(unit.executor, key.tenant));
      const next: Operator = {
        ...operator,
        ...(roles === undefined ? {} : { roles: inOrder(roles), rolesFrom: "here" as const }),
        ...(identity === undefined
          ? {}
          : { issuer: identity?.issuer ?? null, subject: identity?.subject ?? null }),
        ...{ updatedAt: new Date(unit.nowMs), updatedBy: unit.actor.name },
      };
      if (next.issuer !== operator.issuer || next.subject !== operator.subject) {
        await requireFree(unit.executor, next);
        await deleteTokens(unit.executor, key, { kind: "session" });
        await useLogins(unit.executor, key, next.updatedAt);
      }
      await updateOperator(unit.executor, next);
      recordOperator(unit, "change_operator", next);
      return next;
    },

    async remove(unit, key) {
      const operator = await locked(unit, key);
      const at = new Date(unit.nowMs);
      await updateOperator(unit.executor, {
        ...operator,
        updatedAt: at,
        updatedBy: unit.actor.name,
        removedAt: at,
      });
      await deleteTokens(unit.executor, key);
      recordOperator(unit, "remove_operator", operator);
    },

    find: existing,
    list: selectOperators,

    async issue(unit, key, { label, ttlSeconds }) {
      const operator = await locked(unit, key);
      requireSecondToEmpower(unit, await tenantSettings(unit.executor, key.tenant));
      if (operator.rolesFrom === "provider") {
        const message =
          "This operator's roles come with each login at the identity provider; give it roles here before a token, which would outlive them.";
        throw new Fault("conflict", "operators.provider_roles", message);
      }
      const issued = (await selectTokens(unit.executor, key)).filter(({ kind }) => kind === "token");
      if (issued.length >= TOKENS_MAX) {
        const message = `An operator has ${TOKENS_MAX} tokens at most: revoke one that is not used any more.`;
        throw new Fault("limited", "operators.many_tokens", message);
      }
      const text = tokenText(key.tenant, randomBytes(SECRET_BYTES));
      const token: OperatorToken = {
        ...{ tenant: key.tenant, sha256: digestOf(text), id: unit.newId(), operatorId: operator.id },
        ...{ kind: "token", label, roles: [], createdAt: new Date(unit.nowMs), createdBy: unit.actor.name },
        expiresAt: ttlSeconds === undefined ? null : new Date(unit.nowMs + ttlSeconds * 1000),
      };
      await insertToken(unit.executor, token);
      recordToken(unit, "issue_operator_token", operator, token);
      return { token, text };
    },

    async tokens(executor, key) {
      await existing(executor, key);
      return await selectTokens(executor, key);
    },

    async revoke(unit, key, tokenId) {
      const operator = await locked(unit, key);
      const token = (await selectTokens(unit.executor, key)).find(({ id }) => id === tokenId);
      if (token === undefined) throw unknownToken();
      await deleteTokens(unit.executor, key, { id: tokenId });
      recordToken(unit, "revoke_operator_token", operator, token);
    },
  };
}

async function existing(executor: Executor, key: OperatorKey): Promise<Operator> {
  const operator = await findOperator(executor, key);
  if (operator === undefined) throw unknownOperator();
  return operator;
}

async function locked({ executor }: Unit, key: OperatorKey): Promise<Operator> {
  const operator = await lockOperator(executor, key);
  if (operator === undefined) throw unknownOperator();
  return operator;
}

async function requireFree(executor: Executor, { tenant, issuer, subject }: Operator): Promise<void> {
  if (issuer === null || subject === null) return;
  await lockIdentities(executor, tenant);
  const holder = await findByIdentity(executor, { tenant, issuer, subject });
  if (holder !== undefined && holder.removedAt === null) throw identityTaken();
}

function recordToken(
  unit: Unit,
  name: string,
  { tenant, ...operator }: Operator,
  token: OperatorToken,
): void {
  const details = {
    ...{ operator_id: operator.id, operator: operator.name, token_id: token.id, kind: token.kind },
    ...{ label: token.label, expires_at: token.expiresAt?.toISOString() ?? null },
  };
  unit.record({ tenant, name, details });
}

function unknownOperator(): Fault {
  return new Fault("not_found", "operators.unknown", "There is no such operator.");
}

function unknownToken(): Fault {
  return new Fault("not_found", "operators.unknown_token", "The operator has no such token.");
}

function nameTaken(name: string): Fault {
  const message = `The name ${name} is taken, or was: a name stands for one operator for ever.`;
  return new Fault("conflict", "operators.name", message);
}

function identityTaken(): Fault {
  return new Fault("conflict", "operators.identity", "Another operator signs in with this identity.");
}
