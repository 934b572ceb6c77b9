// Who may sign what. A tenant's first keys are made when something must be signed for it; the secret halves are unwrapped in memory only
// and never leave this file except as a key that can sign.
import type { PublishedKey } from "@postern/contracts";
import { Fault } from "@postern/fault";
import {
  createKeySet,
  generateKeyPair,
  importSigningKey,
  type KeySet,
  type SigningKey,
  unwrapSecretKey,
  unwrapSymmetricKey,
  wrapSecretKey,
  wrapSymmetricKey,
} from "@postern/signing";
import type { Executor } from "../../database/connection.ts";
import { requireTenant } from "../tenants/service.ts";
import type { Unit } from "../unit.ts";
import { type MasterKey, requireMasterKey } from "./master-key.ts";
import { KEY_USES, type KeyState, type KeyStep, type KeyUse, publishedKey, statusAfter } from "./model.ts";
import {
  findActiveKey,
  insertKey,
  lockKey,
  raiseKeyVersion,
  type StoredKey,
  selectKeys,
  selectKeyVersions,
  updateKey,
} from "./store.ts";

export interface Keys {
  /** The tenant's active key for one use; the tenant's first keys are made here. */
  signer(unit: Unit, tenant: string, use: KeyUse): Promise<SigningKey>;
  /** A further key, known to nobody yet. */
  prepare(unit: Unit, tenant: string, use: KeyUse): Promise<KeyState>;
  /** One step of a key's life. `notAfter` is needed to retire: until then what the key signed is still accepted. */
  advance(
    unit: Unit,
    key: { tenant: string; kid: string },
    step: KeyStep,
    notAfter?: Date,
  ): Promise<KeyState>;
  list(executor: Executor, tenant: string): Promise<readonly KeyState[]>;
  /** What verifiers are told. */
  published(executor: Executor, tenant: string): Promise<readonly PublishedKey[]>;
  keySet(executor: Executor, tenant: string): Promise<KeySet>;
  /** A secret of 32 bytes that is shared with somebody outside, as it may be stored. Faults: unavailable "keys.no_master_key". */
  wrap(secret: Uint8Array): string;
  /** What was wrapped. Faults: unavailable "keys.no_master_key", "keys.master_key_differs". */
  unwrap(wrapped: string): Uint8Array;
  /** Versions of what verifiers are told, by tenant. */
  versions(executor: Executor, tenants: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

export function createKeys({ masterKey }: { masterKey: MasterKey }): Keys {
  const imported = new Map<string, Promise<SigningKey>>();

  async function make(unit: Unit, tenant: string, use: KeyUse, status: "prepared" | "active") {
    const pair = await generateKeyPair();
    const at = new Date(unit.nowMs);
    const key: StoredKey = {
      tenant,
      kid: pair.kid,
      use,
      status,
      publicKey: pair.publicKey,
      wrappedSecret: await wrapSecretKey(pair.secretKey, requireMasterKey(masterKey)),
      createdAt: at,
      publishedAt: status === "active" ? at : null,
      activatedAt: status === "active" ? at : null,
      notAfter: null,
    };
    return { key, isNew: await insertKey(unit.executor, key) };
  }

  async function makeFirstKeys(unit: Unit, tenant: string): Promise<void> {
    for (const use of KEY_USES) {
      // Another transaction that does the same was first: its keys are there once this insert has waited for it.
      if (!(await make(unit, tenant, use, "active")).isNew) return;
    }
    await raiseKeyVersion(unit.executor, tenant);
    unit.record({ tenant, name: "create_keys" });
    unit.announce(tenant);
  }

  function load(key: StoredKey): Promise<SigningKey> {
    const known = imported.get(key.kid);
    if (known !== undefined) return known;
    const loading = unwrapSecretKey(key.wrappedSecret, requireMasterKey(masterKey))
      .then(importSigningKey)
      .catch((cause: unknown) => {
        imported.delete(key.kid);
        throw masterKeyDiffers(cause);
      });
    imported.set(key.kid, loading);
    return loading;
  }

  return {
    async signer(unit, tenant, use) {
      requireMasterKey(masterKey);
      const active = await findActiveKey(unit.executor, tenant, use);
      if (active !== undefined) return await load(active);
      await makeFirstKeys(unit, tenant);
      const made = await findActiveKey(unit.executor, tenant, use);
      if (made === undefined) {
        throw new Fault("unavailable", "keys.none", `The tenant has no active ${use} key.`);
      }
      return await load(made);
    },

    async prepare(unit, tenant, use) {
      if (use === "root") throw rootStays();
      await requireTenant(unit.executor, tenant);
      const { key } = await make(unit, tenant, use, "prepared");
      unit.record({ tenant, name: "prepare_key", details: { kid: key.kid, use } });
      return key;
    },

    async advance(unit, { tenant, kid }, step, notAfter) {
      const key = await lockKey(unit.executor, tenant, kid);
      if (key === undefined) throw new Fault("not_found", "keys.unknown", "There is no such key.");
      const status = statusAfter(key, step, unit.nowMs);
      const change = changeFor(step, unit.nowMs, notAfter);
      if (step === "activate") {
        const before = await findActiveKey(unit.executor, tenant, key.use);
        // It stays trusted until somebody retires it with an end.
        if (before !== undefined) await updateKey(unit.executor, before, { status: "published" });
      }
      await updateKey(unit.executor, key, { status, ...change });
      await raiseKeyVersion(unit.executor, tenant);
      unit.record({ tenant, name: `${step}_key`, details: { kid, use: key.use } });
      unit.announce(tenant);
      return { ...key, ...change, status };
    },

    list: selectKeys,
    async published(executor, tenant) {
      return (await selectKeys(executor, tenant)).flatMap((key) => publishedKey(key) ?? []);
    },
    async keySet(executor, tenant) {
      return createKeySet(await this.published(executor, tenant));
    },
    wrap: (secret) => wrapSymmetricKey(secret, requireMasterKey(masterKey)),
    unwrap(wrapped) {
      const key = requireMasterKey(masterKey);
      try {
        return unwrapSymmetricKey(wrapped, key);
      } catch (cause) {
        throw masterKeyDiffers(cause);
      }
    },
    versions: selectKeyVersions,
  };
}

function masterKeyDiffers(cause: unknown): Fault {
  return new Fault(
    "unavailable",
    "keys.master_key_differs",
    "The configured master key is not the one under which this tenant's keys were stored.",
    { cause },
  );
}

function changeFor(step: KeyStep, nowMs: number, notAfter: Date | undefined) {
  const at = new Date(nowMs);
  if (step === "publish") return { publishedAt: at };
  if (step === "activate") return { activatedAt: at };
  if (notAfter === undefined) {
    throw new Fault("invalid", "keys.not_after", "Retiring a key needs not_after: until when it is trusted.");
  }
  return { notAfter };
}

function rootStays(): Fault {
  return new Fault(
    "invalid",
    "keys.root",
    "The root key is pinned by every sidecar and cannot be rotated in this version.",
  );
}
