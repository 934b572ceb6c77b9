// Tokens are issued and revoked here. What is kept of a token is what it allows, never the token: a stolen database opens nothing.
import { limitIn, ownerOfAccount } from "@postern/budget";
import { mint } from "@postern/capability";
import type { Caveat, JsonValue } from "@postern/contracts";
import { Fault } from "@postern/fault";
import type { Executor } from "../../database/connection.ts";
import type { Keys } from "../keys/service.ts";
import { ensureTenant, requireServed } from "../tenants/service.ts";
import type { Unit } from "../unit.ts";
import { caveatsFor, type Minted, type MintRequest, type Revocation } from "./model.ts";
import {
  findCaveats,
  insertRevocation,
  isRevoked,
  lockRevocationVersion,
  type RevocationKey,
  selectRevocations,
  selectRevocationVersions,
  selectRevokedIds,
  tenantsOfToken,
  upsertCapability,
} from "./store.ts";

/** Largest number of revocations in one signed state; the wire format allows no more. */
const REVOCATIONS_PER_STATE = 10_000;

export interface Capabilities {
  mint(unit: Unit, request: MintRequest): Promise<Minted>;
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
   * Revokes a token, or the block of one, by its id. With a tenant the id goes on that tenant's list, known or not: blocks appended
   * offline are known to nobody, and a foreign id has no effect there. Without one, the id's own tenant is looked up.
   */
  revoke(unit: Unit, request: { jti: string; reason: string; tenant: string | undefined }): Promise<void>;
  /**
   * The limit of a budget account: of a token issued here what it was issued with, of a block appended offline the one that is claimed.
   * Faults: invalid "budget.account"; not_found "budget.unknown_account".
   */
  limitOf(executor: Executor, tenant: string, claimed: { account: string; limit: number }): Promise<number>;
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

export function createCapabilities({ keys }: { keys: Keys }): Capabilities {
  async function issueToken(unit: Unit, request: MintRequest, jti: string) {
    const { tenant, subject, issuer, ttlSeconds, attenuable } = request;
    await ensureTenant(unit, tenant);
    const key = await keys.signer(unit, tenant, "capability");
    const caveats = caveatsFor(request, unit.nowMs);
    const clock = { nowMs: () => unit.nowMs, monotonicMs: () => 0 };
    const { token, expiresAt, attenuationKey } = await mint(
      { tenant, subject, issuer, caveats, attenuable, ...(ttlSeconds === undefined ? {} : { ttlSeconds }) },
      { key, clock, newId: () => jti },
    );
    await upsertCapability(unit.executor, {
      ...{ tenant, jti, subject, issuer, kid: key.kid, caveats, attenuable },
      issuedAt: new Date(unit.nowMs),
      expiresAt: expiresAt === undefined ? null : new Date(expiresAt),
      issuedBy: unit.actor.name,
    });
    return { tenant, subject, token, jti, expiresAt, attenuationKey, caveats };
  }

  return {
    async mint(unit, request) {
      const { caveats, ...minted } = await issueToken(unit, request, unit.newId());
      const { tenant, subject, jti, expiresAt } = minted;
      unit.record({
        tenant,
        name: "mint",
        agentId: subject,
        tokenId: jti,
        rootTokenId: jti,
        caveatCount: caveats.length,
        details: {
          caveats: plain(caveats),
          attenuable: request.attenuable,
          expires_at: expiresAt ?? "",
        },
      });
      return minted;
    },

    async issue(unit, request, jti) {
      if (await isRevoked(unit.executor, request.tenant, jti)) {
        throw new Fault("forbidden", "capabilities.revoked", "This capability was revoked.");
      }
      return await issueToken(unit, request, jti);
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
