// What is in force, and how it changes. Compiling happens outside every transaction; packing, signing, storing and pointing to the new
// bundle happen in one, so that sidecars are never told of a bundle that is not there.
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
import {
  findActivation,
  findActiveBefore,
  findBundle,
  findContent,
  findDraft,
  insertActivation,
  insertBundle,
  insertContent,
  lockDraft,
  lockRevision,
  selectInForce,
  selectTenantsExpiring,
  updateDraft,
} from "./store.ts";

export interface Policies {
  /** Compiles the draft again and puts it in force. Without a tenant, in the draft's own. */
  promote(
    work: Work,
    request: { draftId: string; tenant: string | undefined; claim: string },
  ): Promise<ActivePolicy>;
  /** Puts what was in force before in force again, under a new revision. Repeated, it goes further back. */
  rollback(unit: Unit, request: { tenant: string; claim: string }): Promise<ActivePolicy>;
  /** Nothing is in force any more: every call of the tenant is denied. */
  clear(unit: Unit, tenant: string): Promise<void>;
  /** Signs what is in force anew if its bundle is about to end. Whether it did. */
  renew(unit: Unit, tenant: string): Promise<boolean>;
  /** @throws Fault not_found "policies.none". */
  active(executor: Executor, tenant: string): Promise<ActivePolicy>;
  /** What is in force, clearings included, by tenant. */
  inForce(executor: Executor, tenants: readonly string[]): Promise<ReadonlyMap<string, Activation>>;
  tenantsToRenew(executor: Executor, nowMs: number): Promise<readonly string[]>;
  /** @throws Fault not_found "policies.no_bundle". */
  bundle(executor: Executor, tenant: string, digest: string): Promise<Uint8Array>;
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

  async function activate(
    unit: Unit,
    tenant: string,
    revision: number,
    content: Content,
  ): Promise<ActivePolicy> {
    const key = await keys.signer(unit, tenant, "bundle");
    const activatedAt = new Date(unit.nowMs);
    const expiresAt = new Date(unit.nowMs + BUNDLE_LIFETIME_MS);
    const { bytes, digest } = await packBundle({
      tenant,
      revision,
      createdAt: activatedAt.toISOString(),
      expiresAt: expiresAt.toISOString(),
      compiled: content.compiled,
      key,
    });
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
      kid: key.kid,
      contentRevision: content.contentRevision ?? revision,
      activatedBy: unit.actor.name,
      activatedByClaim: claim,
    };
    if (content.contentRevision === undefined) {
      const { wasm, ...text } = compiled;
      await insertContent(unit.executor, { tenant, revision, compiled: text, wasm });
    }
    await insertBundle(unit.executor, { tenant, digest, revision, bytes });
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

  async function promoteChecked(
    unit: Unit,
    request: { draft: Draft; checked: CheckedPolicy; claim: string },
  ): Promise<ActivePolicy> {
    const { tenant, id } = request.draft;
    const draft = await lockDraft(unit.executor, { tenant, id });
    if (draft === undefined) throw unknownDraft();
    if (draft.regoSha256 !== request.checked.sha256) {
      throw new Fault("conflict", "policies.changed", "The draft was changed while it was being promoted.");
    }
    const before = await lockRevision(unit.executor, tenant);
    const previous = await findActiveBefore(unit.executor, tenant, before + 1);
    if (draft.promotedAt === null) {
      await updateDraft(unit.executor, { tenant, id }, { promotedAt: new Date(unit.nowMs) });
    }
    return await activate(unit, tenant, before + 1, {
      kind: "promote",
      compiled: request.checked.compiled,
      draftId: id,
      name: draft.name,
      regoSha256: draft.regoSha256,
      previousContent: previous?.contentRevision ?? null,
      claim: request.claim,
    });
  }

  /** Signs content that was in force before under a new revision. */
  async function restore(
    unit: Unit,
    request: { kind: "rollback" | "renew"; tenant: string; content: number; revision: number; claim: string },
  ): Promise<ActivePolicy> {
    const { kind, tenant, content, revision, claim } = request;
    const origin = await findActivation(unit.executor, tenant, content);
    const stored = await findContent(unit.executor, tenant, content);
    if (origin === undefined || stored === undefined) {
      throw new Fault("internal", "policies.content", "Something went wrong on our side.", {
        detail: `content ${content} of ${tenant} is missing`,
      });
    }
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
    async promote(work, { draftId, tenant, claim }) {
      const draft = await work.read((executor) => findDraft(executor, { id: draftId, tenant }));
      if (draft === undefined) throw unknownDraft();
      const checked = await compile(draft.regoSource);
      return await work.commit((unit) => promoteChecked(unit, { draft, checked, claim }));
    },

    async rollback(unit, { tenant, claim }) {
      await requireTenant(unit.executor, tenant);
      const current = await lockRevision(unit.executor, tenant);
      const inForce = await findActivation(unit.executor, tenant, current);
      // After a clearing, what was in force when it happened comes back.
      const target = isActive(inForce)
        ? inForce.previousContent
        : (await findActiveBefore(unit.executor, tenant, current))?.contentRevision;
      if (target === null || target === undefined) {
        throw new Fault("not_found", "policies.no_previous", "There is no earlier policy to roll back to.");
      }
      return await restore(unit, { kind: "rollback", tenant, content: target, revision: current + 1, claim });
    },

    async clear(unit, tenant) {
      await requireTenant(unit.executor, tenant);
      const current = await lockRevision(unit.executor, tenant);
      const wasActive = isActive(await findActivation(unit.executor, tenant, current));
      unit.record({ tenant, name: "clear_policy", details: { was_active: wasActive } });
      if (!wasActive) return;
      await insertActivation(unit.executor, clearing(unit, tenant, current + 1));
      unit.announce(tenant);
    },

    async renew(unit, tenant) {
      const current = await lockRevision(unit.executor, tenant);
      const inForce = await findActivation(unit.executor, tenant, current);
      if (!isActive(inForce) || inForce.expiresAt.getTime() - unit.nowMs >= RENEW_BEFORE_MS) return false;
      const content = inForce.contentRevision;
      await restore(unit, { kind: "renew", tenant, content, revision: current + 1, claim: "" });
      return true;
    },

    async active(executor, tenant) {
      const activation = (await selectInForce(executor, [tenant])).get(tenant);
      if (isActive(activation)) return activation;
      throw new Fault("not_found", "policies.none", "The tenant has no active policy: every call is denied.");
    },

    inForce: selectInForce,
    tenantsToRenew: (executor, nowMs) => selectTenantsExpiring(executor, new Date(nowMs + RENEW_BEFORE_MS)),

    async bundle(executor, tenant, digest) {
      const bytes = await findBundle(executor, tenant, digest);
      if (bytes !== undefined) return bytes;
      throw new Fault("not_found", "policies.no_bundle", "There is no such bundle.");
    },
  };
}

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
