// What is in force, and how it changes. Compiling happens outside every transaction; packing, signing, storing and pointing to the new
// bundle happen in one, so that sidecars are never told of a bundle that is not there.
import type { PolicyPointer } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { packBundle } from "@postern/policy";
import type { CompiledPolicy } from "@postern/policy/compile";
import type { Executor } from "../../database/connection.ts";
import type { Keys } from "../keys/service.ts";
import { requireTenant } from "../tenants/service.ts";
import type { Unit, Work } from "../unit.ts";
import type { PolicyCompiler } from "./compiler.ts";
import { unknownDraft } from "./drafts.ts";
import {
  type Activation,
  type ActivePolicy,
  BUNDLE_LIFETIME_MS,
  type CheckedPolicy,
  type Draft,
  isActive,
  RENEW_BEFORE_MS,
} from "./model.ts";
import { missingContent, type RollbackTarget, rollbackTarget } from "./rollback-target.ts";
import {
  allocateRevision,
  countChange,
  findActivation,
  findActiveBefore,
  findBundle,
  findContent,
  findDraft,
  insertActivation,
  insertBundle,
  insertContent,
  lockDraft,
  lockRegister,
  selectActivations,
  selectInForce,
  selectTenantsExpiring,
  selectVersions,
  updateDraft,
} from "./store.ts";

export interface Policies {
  /** Faults: not_found "policies.unknown_draft" · as the compiler. */
  check(work: Work, key: DraftKey): Promise<CheckedDraft>;
  /**
   * Puts a compiled draft in force.
   * Faults: not_found "policies.unknown_draft" · conflict "policies.changed" when the draft is not what was compiled.
   */
  promote(unit: Unit, checked: CheckedDraft, claim: string): Promise<ActivePolicy>;
  /**
   * Puts what was in force before in force again, under a new revision. Repeated, it goes further back; `revision` names the activation
   * whose content is to come back. Faults: not_found "policies.no_previous", "policies.unknown_revision".
   */
  rollback(unit: Unit, request: RollbackTarget & { claim: string }): Promise<ActivePolicy>;
  /** What a rollback would bring back. Faults: as `rollback`. */
  rollbackTarget(executor: Executor, request: RollbackTarget): Promise<ActivePolicy>;
  /** Nothing is in force any more: every call of the tenant is denied. */
  clear(unit: Unit, tenant: string): Promise<void>;
  /** Signs what is in force anew if its bundle is about to end. Whether it did. */
  renew(unit: Unit, tenant: string): Promise<boolean>;
  /** The draft never changes any more, because it is about to decide calls. Faults: as `promote`. */
  freeze(unit: Unit, checked: CheckedDraft): Promise<void>;
  /** Nobody else changes the tenant's policies until the transaction ends. */
  lock(unit: Unit, tenant: string): Promise<void>;
  /** Signs a policy that is not in force, under a revision higher than any before. */
  sign(unit: Unit, tenant: string, compiled: CompiledPolicy): Promise<PolicyPointer>;
  /** What sidecars are told beside the active policy has changed. */
  tell(unit: Unit, tenant: string): Promise<void>;
  /** @throws Fault not_found "policies.none". */
  active(executor: Executor, tenant: string): Promise<ActivePolicy>;
  /** What is in force, clearings included, by tenant. */
  inForce(executor: Executor, tenants: readonly string[]): Promise<ReadonlyMap<string, Activation>>;
  /** Everything that was in force, the newest first: the activations before a revision. */
  history(
    executor: Executor,
    page: { tenant: string; before: number | undefined; limit: number },
  ): Promise<readonly Activation[]>;
  /** Versions of what sidecars are told, by tenant. */
  versions(executor: Executor, tenants: readonly string[]): Promise<ReadonlyMap<string, number>>;
  tenantsToRenew(executor: Executor, nowMs: number): Promise<readonly string[]>;
  /** @throws Fault not_found "policies.no_bundle". */
  bundle(executor: Executor, tenant: string, digest: string): Promise<Uint8Array>;
}

interface DraftKey {
  readonly id: string;
  /** undefined = whichever tenant's it is. */
  readonly tenant: string | undefined;
}

/** A draft and what the compiler made of it. */
export interface CheckedDraft {
  readonly draft: Pick<Draft, "tenant" | "id" | "name">;
  readonly checked: Pick<CheckedPolicy, "sha256" | "compiled">;
}

/** What goes in force. */
interface Content {
  readonly kind: "promote" | "rollback" | "renew";
  readonly compiled: CompiledPolicy;
  readonly draftId: string | null;
  readonly name: string;
  readonly regoSha256: string;
  /** Absent for a promotion, which is content of its own. */
  readonly contentRevision?: number;
  readonly previousContent: number | null;
  readonly claim: string;
}

export function createPolicies(dependencies: { keys: Keys; compile: PolicyCompiler }): Policies {
  const { keys, compile } = dependencies;

  /** Signs a bundle and stores it. */
  async function pack(unit: Unit, tenant: string, revision: number, compiled: CompiledPolicy) {
    const key = await keys.signer(unit, tenant, "bundle");
    const expiresAt = new Date(unit.nowMs + BUNDLE_LIFETIME_MS);
    const createdAt = new Date(unit.nowMs).toISOString();
    const stamps = { tenant, revision, createdAt, expiresAt: expiresAt.toISOString() };
    const { bytes, digest } = await packBundle({ ...stamps, compiled, key });
    await insertBundle(unit.executor, { tenant, digest, revision, bytes });
    return { digest, kid: key.kid, expiresAt };
  }

  async function activate(
    unit: Unit,
    tenant: string,
    revision: number,
    content: Content,
  ): Promise<ActivePolicy> {
    const { digest, kid, expiresAt } = await pack(unit, tenant, revision, content.compiled);
    const activatedAt = new Date(unit.nowMs);
    const { kind, compiled, draftId, name, regoSha256, previousContent, claim } = content;
    const activation: ActivePolicy = {
      ...{
        tenant,
        revision,
        kind,
        draftId,
        name,
        regoSha256,
        previousContent,
        digest,
        expiresAt,
        activatedAt,
      },
      kid,
      contentRevision: content.contentRevision ?? revision,
      activatedBy: unit.actor.name,
      activatedByClaim: claim,
    };
    if (content.contentRevision === undefined) {
      const { wasm, ...text } = compiled;
      await insertContent(unit.executor, { tenant, revision, compiled: text, wasm });
    }
    await insertActivation(unit.executor, activation);
    unit.record({
      tenant,
      name: `${kind}_policy`,
      details: {
        revision,
        digest,
        rego_sha256: regoSha256,
        draft_id: draftId ?? "",
        name,
        claimed_by: claim,
      },
    });
    unit.announce(tenant);
    return activation;
  }

  /** Signs content that was in force before under a new revision. */
  async function restore(
    unit: Unit,
    request: { kind: "rollback" | "renew"; tenant: string; content: number; revision: number; claim: string },
  ): Promise<ActivePolicy> {
    const { kind, tenant, content, revision, claim } = request;
    const origin = await findActivation(unit.executor, tenant, content);
    const stored = await findContent(unit.executor, tenant, content);
    if (origin === undefined || stored === undefined) throw missingContent(tenant, content);
    return await activate(unit, tenant, revision, {
      kind,
      compiled: { ...stored.compiled, wasm: stored.wasm },
      draftId: origin.draftId,
      name: origin.name,
      regoSha256: origin.regoSha256,
      contentRevision: content,
      previousContent: origin.previousContent,
      claim,
    });
  }

  return {
    async check(work, key) {
      const draft = await work.read((executor) => findDraft(executor, key));
      if (draft === undefined) throw unknownDraft();
      return { draft, checked: await compile(draft.regoSource) };
    },

    async promote(unit, { draft: { tenant, id }, checked }, claim) {
      const { executor } = unit;
      const draft = await freeze(unit, { tenant, id }, checked.sha256);
      const { current, next } = await lockRegister(executor, tenant);
      const previous = await findActiveBefore(executor, tenant, current + 1);
      const active = await activate(unit, tenant, next, {
        kind: "promote",
        compiled: checked.compiled,
        draftId: id,
        name: draft.name,
        regoSha256: draft.regoSha256,
        previousContent: previous?.contentRevision ?? null,
        claim,
      });
      const { revision, digest, regoSha256 } = active;
      unit.notify({
        tenant,
        type: "policy.promoted",
        data: { revision, digest, rego_sha256: regoSha256, name: draft.name, promoted_by: unit.actor.name },
      });
      return active;
    },

    async rollback(unit, { tenant, revision, claim }) {
      await requireTenant(unit.executor, tenant);
      const { next } = await lockRegister(unit.executor, tenant);
      const { contentRevision: content } = await rollbackTarget(unit.executor, { tenant, revision });
      return await restore(unit, { kind: "rollback", tenant, content, revision: next, claim });
    },

    rollbackTarget,

    async clear(unit, tenant) {
      await requireTenant(unit.executor, tenant);
      const { current, next } = await lockRegister(unit.executor, tenant);
      const wasActive = isActive(await findActivation(unit.executor, tenant, current));
      unit.record({ tenant, name: "clear_policy", details: { was_active: wasActive } });
      if (!wasActive) return;
      await insertActivation(unit.executor, clearing(unit, tenant, next));
      unit.announce(tenant);
    },

    async renew(unit, tenant) {
      const { current, next } = await lockRegister(unit.executor, tenant);
      const inForce = await findActivation(unit.executor, tenant, current);
      if (!isActive(inForce) || inForce.expiresAt.getTime() - unit.nowMs >= RENEW_BEFORE_MS) return false;
      const content = inForce.contentRevision;
      await restore(unit, { kind: "renew", tenant, content, revision: next, claim: "" });
      return true;
    },

    async freeze(unit, { draft, checked }) {
      await freeze(unit, draft, checked.sha256);
    },

    async lock(unit, tenant) {
      await lockRegister(unit.executor, tenant);
    },

    async sign(unit, tenant, compiled) {
      const { next: revision } = await lockRegister(unit.executor, tenant);
      const { digest, kid, expiresAt } = await pack(unit, tenant, revision, compiled);
      await allocateRevision(unit.executor, tenant, revision);
      return { revision, digest, kid, expires_at: expiresAt.toISOString() };
    },

    async tell(unit, tenant) {
      await countChange(unit.executor, tenant);
      unit.announce(tenant);
    },

    async active(executor, tenant) {
      const activation = (await selectInForce(executor, [tenant])).get(tenant);
      if (isActive(activation)) return activation;
      throw new Fault("not_found", "policies.none", "The tenant has no active policy: every call is denied.");
    },

    inForce: selectInForce,
    history: selectActivations,
    versions: selectVersions,
    tenantsToRenew: (executor, nowMs) => selectTenantsExpiring(executor, new Date(nowMs + RENEW_BEFORE_MS)),

    async bundle(executor, tenant, digest) {
      const bytes = await findBundle(executor, tenant, digest);
      if (bytes !== undefined) return bytes;
      throw new Fault("not_found", "policies.no_bundle", "There is no such bundle.");
    },
  };
}

/** The draft, locked, and from now on as it is. */
async function freeze(unit: Unit, key: { tenant: string; id: string }, sha256: string): Promise<Draft> {
  const draft = await lockDraft(unit.executor, key);
  if (draft === undefined) throw unknownDraft();
  if (draft.regoSha256 !== sha256) throw changedDraft();
  if (draft.promotedAt === null) {
    await updateDraft(unit.executor, key, { promotedAt: new Date(unit.nowMs) });
  }
  return draft;
}

export const changedDraft = (): Fault =>
  new Fault(
    "conflict",
    "policies.changed",
    "The draft was changed meanwhile: this is about what it was before.",
  );

function clearing(unit: Unit, tenant: string, revision: number): Activation {
  return {
    tenant,
    revision,
    kind: "clear",
    contentRevision: null,
    previousContent: null,
    draftId: null,
    name: "",
    regoSha256: "",
    digest: null,
    kid: null,
    expiresAt: null,
    activatedAt: new Date(unit.nowMs),
    activatedBy: unit.actor.name,
    activatedByClaim: "",
  };
}
