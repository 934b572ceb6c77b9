// Trusted issuers: who may say who logs in to a tenant. A change takes effect with the next exchange; capabilities that were given before it
// live out their short life unless they are revoked.
import { ISSUERS_MAX, type IssuerTrust, type JsonObject, type LoginState } from "@postern/contracts";
import { type Clock, Fault } from "@postern/fault";
import { seal } from "@postern/signing";
import type { Executor } from "../../database/connection.ts";
import type { Capabilities } from "../capabilities/service.ts";
import type { Halts } from "../halts/service.ts";
import type { Keys } from "../keys/service.ts";
import { requireServed } from "../tenants/service.ts";
import type { Unit } from "../unit.ts";
import { createTokenExchange, type TokenExchange } from "./exchange.ts";
import type { JsonFetch } from "./json-fetch.ts";
import { createKeySets } from "./key-sets.ts";
import type { IssuerKey, TrustedIssuer } from "./model.ts";
import { deleteIssuer, findIssuer, insertIssuer, lockIssuers, selectIssuers, updateIssuer } from "./store.ts";

export interface Issuers extends TokenExchange {
  /** Faults: conflict "issuers.exists"; limited "issuers.many". */
  add(unit: Unit, request: { tenant: string; issuer: string; trust: IssuerTrust }): Promise<TrustedIssuer>;
  /** Faults, as `remove` and `find`: not_found "issuers.unknown". */
  replace(unit: Unit, key: IssuerKey, trust: IssuerTrust): Promise<TrustedIssuer>;
  remove(unit: Unit, key: IssuerKey): Promise<void>;
  find(executor: Executor, key: IssuerKey): Promise<TrustedIssuer>;
  list(executor: Executor, tenant: string | undefined): Promise<readonly TrustedIssuer[]>;
  /** What the tenant's sidecars must know, sealed. */
  loginState(unit: Unit, tenant: string): Promise<string>;
}

export interface IssuerPorts {
  readonly keys: Keys;
  readonly capabilities: Capabilities;
  readonly halts: Pick<Halts, "stopping">;
  readonly fetchJson: JsonFetch;
  readonly clock: Clock;
}

export function createIssuers({ keys, capabilities, halts, fetchJson, clock }: IssuerPorts): Issuers {
  return {
    ...createTokenExchange({ capabilities, halts, clock, keySets: createKeySets({ fetchJson, clock }) }),

    async add(unit, { tenant, issuer, trust }) {
      await requireServed(unit.executor, tenant);
      await lockIssuers(unit.executor, tenant);
      if ((await selectIssuers(unit.executor, tenant)).length >= ISSUERS_MAX) {
        throw new Fault("limited", "issuers.many", `A tenant trusts ${ISSUERS_MAX} issuers at most.`);
      }
      const at = new Date(unit.nowMs);
      const by = unit.actor.name;
      const row: TrustedIssuer = {
        ...{ tenant, id: unit.newId(), issuer, trust },
        ...{ createdAt: at, createdBy: by, updatedAt: at, updatedBy: by },
      };
      if (!(await insertIssuer(unit.executor, row))) {
        throw new Fault("conflict", "issuers.exists", "The tenant trusts this issuer already.");
      }
      recordIssuer(unit, "create_issuer", row);
      return row;
    },

    async replace(unit, key, trust) {
      const issuer = await existing(unit.executor, key);
      // A change is known by its time, so two within one millisecond must differ.
      const at = new Date(Math.max(unit.nowMs, issuer.updatedAt.getTime() + 1));
      const next = { ...issuer, trust, updatedAt: at, updatedBy: unit.actor.name };
      await updateIssuer(unit.executor, next);
      recordIssuer(unit, "update_issuer", next);
      return next;
    },

    async remove(unit, key) {
      const issuer = await existing(unit.executor, key);
      await deleteIssuer(unit.executor, issuer);
      recordIssuer(unit, "delete_issuer", issuer);
    },

    find: existing,
    list: selectIssuers,

    async loginState(unit, tenant) {
      const trusted = await selectIssuers(unit.executor, tenant);
      const state: LoginState = {
        kind: "login",
        tenant,
        issued_at: new Date(unit.nowMs).toISOString(),
        issuers: trusted.map(({ issuer, trust: { audiences, algorithms, scopes } }) => {
          return { issuer, audiences, algorithms, scopes };
        }),
      };
      const key = await keys.signer(unit, tenant, "state");
      return await seal(plain(state), { key, purpose: "state" });
    },
  };
}

async function existing(executor: Executor, key: IssuerKey): Promise<TrustedIssuer> {
  const issuer = await findIssuer(executor, key);
  if (issuer === undefined) throw new Fault("not_found", "issuers.unknown", "There is no such issuer.");
  return issuer;
}

function recordIssuer(unit: Unit, name: string, { tenant, id, issuer, trust }: TrustedIssuer): void {
  unit.record({ tenant, name, details: { issuer_id: id, issuer, trust: plain(trust) } });
}

function plain(value: IssuerTrust | LoginState): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}
