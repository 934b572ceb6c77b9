// Tokens are issued and revoked here. What is kept of a token is what it allows, never the token: a stolen database opens nothing.
import { limitIn, ownerOfAccount } from "@postern/budget";
import { mint } from "@postern/capability";
import type { Caveat, JsonValue } from "@postern/contracts";
import { Fault } from "@postern/fault";
import type { SigningKey } from "@postern/signing";
import type { Executor } from "../../database/connection.ts";
import type { Keys } from "../keys/service.ts";
import { ensureTenant, requireServed } from "../tenants/service.ts";
import type { Act, Actor, Unit } from "../unit.ts";
import type { MemoryKeys } from "./memory-keys.ts";
import {
  caveatsFor,
  type IssuedToken,
  type Minted,
  type MintRequest,
  type Revocation,
  withFreshFactor,
} from "./model.ts";
import {
  findCaveats,
  findIssuedBy,
  insertCapabilities,
  insertRevocation,
  isRevoked,
  lockCapability,
  lockRevocationVersion,
  type RevocationKey,
  selectIssued,
  selectRevocations,
  selectRevocationVersions,
  selectRevokedIds,
  tenantsOfToken,
  upsertCapability,
} from "./store.ts";

/** Largest number of revocations in one signed state; the wire format allows no more. */
const REVOCATIONS_PER_STATE = 10_000;

/** A token that somebody asks for. */
export interface AskedMint {
  readonly request: MintRequest;
  readonly actor: Actor;
}

export interface Capabilities {
  mint(unit: Unit, request: MintRequest): Promise<Minted>;
  /** As `mint`, for several people who ask at once, all for one tenant. */
  mintAll(unit: Unit, asked: readonly AskedMint[]): Promise<readonly Minted[]>;
  /**
   * As `mint`, under an id of the caller's, who also tells of it. Issued again, an id goes on: its budgets and its revocation hold for
   * every token that ever had it. Faults: forbidden "capabilities.revoked".
   */
  issue(
    unit: Unit,
    request: MintRequest,
    jti: string,
  ): Promise<Minted & { readonly caveats: readonly Caveat[] }>;
  /**
   * A token of the same id, rights and end as one that was issued, with a fresh factor. Budgets, revocation and who issued it stay.
   * Faults: not_found "capabilities.unknown"; forbidden "capabilities.revoked"; conflict "capabilities.expired".
   */
  stepUp(unit: Unit, key: { tenant: string; jti: string }): Promise<Minted>;
  /**
   * Revokes a token, or the block of one, by its id. With a tenant the id goes on that tenant's list, known or not: blocks appended
   * offline are known to nobody, and a foreign id has no effect there. Without one, the id's own tenant is looked up.
   */
  revoke(unit: Unit, request: { jti: string; reason: string; tenant: string | undefined }): Promise<void>;
  /**
   * The limit of a budget account: of a token issued here what it was issued with, of a block appended offline the one that is claimed.
   * Faults: invalid "budget.account"; not_found "budget.unknown_account".
   */
  limitOf(executor: Executor, tenant: string, claimed: { account: string; limit: number }): Promise<number>;
  /** The key of a token's memory. Faults: not_found "capabilities.unknown"; unavailable "keys.no_master_key". */
  memoryKey(executor: Executor, tenant: string, rootJti: string): Promise<Uint8Array>;
  /** By whose credential a token was issued, as acts name it; undefined when no token of this id was. */
  issuerOf(executor: Executor, tenant: string, jti: string): Promise<string | undefined>;
  /** What the tenant's tokens of these ids were issued with. */
  issued(
    executor: Executor,
    tenant: string,
    jtis: readonly string[],
  ): Promise<ReadonlyMap<string, IssuedToken>>;
  listRevocations(
    executor: Executor,
    options: { tenant: string | undefined; limit: number; after: RevocationKey | undefined },
  ): Promise<readonly Revocation[]>;
  /** The next part of a tenant's list after a version; `version` is where this part ends. */
  revokedAfter(
    executor: Executor,
    options: { tenant: string; after: number; upTo: number },
  ): Promise<{ jtis: string[]; version: number }>;
  /** Versions of the revocation lists, by tenant. */
  versions(executor: Executor, tenants: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

/** What a token is signed with. */
interface Granted extends Omit<MintRequest, "tools" | "maxCalls" | "stepUp"> {
  /** In whose name: the identity that may be kept from approving what the token asks for. */
  readonly issuedBy: string;
}

export function createCapabilities(dependencies: { keys: Keys; memoryKeys: MemoryKeys }): Capabilities {
  const { keys, memoryKeys } = dependencies;

  async function issueToken(unit: Unit, request: MintRequest, jti: string) {
    await ensureTenant(unit, request.tenant);
    const caveats = caveatsFor(request, unit.nowMs);
    return await sign(unit, { ...request, caveats, issuedBy: unit.actor.name }, jti);
  }

  async function sign(unit: Unit, granted: Granted, jti: string) {
    const key = await keys.signer(unit, granted.tenant, "capability");
    const { issued, row } = await signWith(key, unit, granted, jti);
    await upsertCapability(unit.executor, row);
    return issued;
  }

  async function mintAll(unit: Unit, asked: readonly AskedMint[]): Promise<readonly Minted[]> {
    const [first] = asked;
    if (first === undefined) return [];
    const { tenant } = first.request;
    await ensureTenant(unit, tenant);
    const key = await keys.signer(unit, tenant, "capability");
    const signed = await Promise.all(
      asked.map(({ request, actor }) => {
        const caveats = caveatsFor(request, unit.nowMs);
        return signWith(key, unit, { ...request, caveats, issuedBy: actor.name }, unit.newId());
      }),
    );
    await insertCapabilities(
      unit.executor,
      signed.map(({ row }) => row),
    );
    return signed.map(({ issued: { caveats, ...minted } }, at) => {
      const { request, actor } = asked[at] ?? first;
      unit.record({ ...mintAct(request, { ...minted, caveats }), actor });
      return request.memoryKey === true
        ? { ...minted, memoryKey: memoryKeys.keyOf(tenant, minted.jti) }
        : minted;
    });
  }

  return {
    async mint(unit, request) {
      const [minted] = await mintAll(unit, [{ request, actor: unit.actor }]);
      if (minted === undefined) throw new Error("one token was asked for");
      return minted;
    },

    mintAll,

    async issue(unit, request, jti) {
      if (await isRevoked(unit.executor, request.tenant, jti)) {
        throw new Fault("forbidden", "capabilities.revoked", "This capability was revoked.");
      }
      return await issueToken(unit, request, jti);
    },

    async stepUp(unit, { tenant, jti }) {
      const before = await lockCapability(unit.executor, tenant, jti);
      if (before === undefined) throw unknownToken();
      if (await isRevoked(unit.executor, tenant, jti)) {
        throw new Fault("forbidden", "capabilities.revoked", "This capability was revoked.");
      }
      const leftMs = before.expiresAt === null ? undefined : before.expiresAt.getTime() - unit.nowMs;
      if (leftMs !== undefined && leftMs <= 0) {
        throw new Fault("conflict", "capabilities.expired", "This capability has expired: mint another one.");
      }
      const ttlSeconds = leftMs === undefined ? undefined : leftMs / 1000;
      const caveats = withFreshFactor(before.caveats, unit.nowMs);
      const { caveats: _, ...stepped } = await sign(unit, { ...before, caveats, ttlSeconds }, jti);
      const ids = { agentId: before.subject, tokenId: jti, rootTokenId: jti };
      unit.record({ tenant, name: "step_up", ...ids, caveatCount: caveats.length });
      return stepped;
    },

    async revoke(unit, { jti, reason, tenant }) {
      const tenants = tenant === undefined ? await tenantsOfToken(unit.executor, jti) : [tenant];
      if (tenants.length === 0) throw unknownToken();
      for (const each of tenants) await revokeIn(unit, each, jti, reason);
    },

    async limitOf(executor, tenant, { account, limit }) {
      const owner = ownerOfAccount(account);
      if (owner === undefined) {
        throw new Fault(
          "invalid",
          "budget.account",
          "body.account: must name an account of a token's budget",
        );
      }
      if (!owner.isRoot) return limit;
      const granted = limitIn(await findCaveats(executor, tenant, owner.jti), owner.kind);
      if (granted === undefined) {
        throw new Fault("not_found", "budget.unknown_account", "No token with this budget was issued here.");
      }
      return granted;
    },

    async memoryKey(executor, tenant, rootJti) {
      if ((await selectIssued(executor, tenant, [rootJti])).size === 0) throw unknownToken();
      return memoryKeys.keyOf(tenant, rootJti);
    },

    issuerOf: findIssuedBy,

    issued: selectIssued,

    listRevocations: selectRevocations,

    async revokedAfter(executor, { tenant, after, upTo }) {
      const limit = REVOCATIONS_PER_STATE;
      const rows = await selectRevokedIds(executor, { tenant, after, upTo, limit });
      const last = rows.at(-1);
      const version = rows.length < limit || last === undefined ? upTo : last.version;
      return { jtis: rows.map((row) => row.jti), version };
    },

    versions: selectRevocationVersions,
  };
}

async function revokeIn(unit: Unit, tenant: string, jti: string, reason: string): Promise<void> {
  await requireServed(unit.executor, tenant);
  const act = { tenant, name: "revoke", tokenId: jti, reason };
  const version = await lockRevocationVersion(unit.executor, tenant);
  const isRepeated = await isRevoked(unit.executor, tenant, jti);
  unit.record({ ...act, details: { already_revoked: isRepeated } });
  if (isRepeated) return;
  await insertRevocation(unit.executor, {
    tenant,
    jti,
    version: version + 1,
    revokedAt: new Date(unit.nowMs),
    reason,
    revokedBy: unit.actor.name,
  });
  unit.announce(tenant);
}

/** The token, and what is kept of it. */
async function signWith(key: SigningKey, unit: Unit, granted: Granted, jti: string) {
  const { tenant, subject, issuer, ttlSeconds, caveats, attenuable, issuedBy } = granted;
  const clock = { nowMs: () => unit.nowMs, monotonicMs: () => 0 };
  const { token, expiresAt, attenuationKey } = await mint(
    { tenant, subject, issuer, caveats, attenuable, ...(ttlSeconds === undefined ? {} : { ttlSeconds }) },
    { key, clock, newId: () => jti },
  );
  const row = {
    ...{ tenant, jti, subject, issuer, kid: key.kid, caveats, attenuable, issuedBy },
    issuedAt: new Date(unit.nowMs),
    expiresAt: expiresAt === undefined ? null : new Date(expiresAt),
  };
  return { issued: { tenant, subject, token, jti, expiresAt, attenuationKey, caveats }, row };
}

function mintAct(
  { attenuable, memoryKey }: MintRequest,
  { tenant, subject, jti, expiresAt, caveats }: Minted & { readonly caveats: readonly Caveat[] },
): Act {
  return {
    tenant,
    name: "mint",
    agentId: subject,
    tokenId: jti,
    rootTokenId: jti,
    caveatCount: caveats.length,
    details: {
      caveats: plain(caveats),
      attenuable,
      expires_at: expiresAt ?? "",
      ...(memoryKey === true && { memory_signing_key: true }),
    },
  };
}

function plain(caveats: readonly Caveat[]): JsonValue {
  return JSON.parse(JSON.stringify(caveats)) as JsonValue;
}

function unknownToken(): Fault {
  return new Fault(
    "not_found",
    "capabilities.unknown",
    "No token of this id was issued here. If it is the id of a block that was appended to a token, name the tenant.",
  );
}
