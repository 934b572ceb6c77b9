// Drafts: Rego that compiles, waiting to be promoted. A draft that was ever promoted never changes again.
import { Fault } from "@postern/fault";
import type { Executor } from "../../database/connection.ts";
import { ensureTenant } from "../tenants/service.ts";
import type { Unit, Work } from "../unit.ts";
import type { PolicyCompiler } from "./compiler.ts";
import { assertEditable, type Draft } from "./model.ts";
import {
  deleteDraft,
  findDraft,
  insertDraft,
  lockDraft,
  selectDigests,
  selectDrafts,
  updateDraft,
} from "./store.ts";

interface DraftKey {
  readonly id: string;
  /** undefined = whichever tenant's it is. */
  readonly tenant: string | undefined;
}

export interface DraftChange {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly regoSource?: string | undefined;
}

export interface Drafts {
  /** Faults: invalid "policy.rego" with the compiler's own words. */
  create(
    work: Work,
    request: { tenant: string; name: string; description: string; regoSource: string; claim: string },
  ): Promise<Draft>;
  /** Faults as `create`; not_found "policies.unknown_draft"; conflict "policies.promoted". */
  update(work: Work, key: DraftKey, change: DraftChange): Promise<Draft>;
  remove(unit: Unit, key: DraftKey): Promise<void>;
  find(executor: Executor, key: DraftKey): Promise<Draft>;
  /** SHA-256 of the sources as they are now, by id; a draft that is gone is absent. */
  digests(executor: Executor, tenant: string, ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  list(executor: Executor, tenant: string | undefined): Promise<readonly Omit<Draft, "regoSource">[]>;
}

export function createDrafts({ compile }: { compile: PolicyCompiler }): Drafts {
  return {
    async create(work, { tenant, name, description, regoSource, claim }) {
      const { sha256 } = await compile(regoSource);
      return await work.commit(async (unit) => {
        await ensureTenant(unit, tenant);
        const at = new Date(unit.nowMs);
        const draft: Draft = {
          ...{ tenant, name, description, regoSource, regoSha256: sha256 },
          id: unit.newId(),
          createdBy: unit.actor.name,
          createdByClaim: claim,
          createdAt: at,
          updatedAt: at,
          promotedAt: null,
        };
        await insertDraft(unit.executor, draft);
        recordDraft(unit, "create_draft", draft, { claimed_by: claim });
        return draft;
      });
    },

    async update(work, key, change) {
      const checked = change.regoSource === undefined ? undefined : await compile(change.regoSource);
      return await work.commit(async (unit) => {
        const draft = await lockEditable(unit, key);
        const next: Draft = {
          ...draft,
          name: change.name ?? draft.name,
          description: change.description ?? draft.description,
          regoSource: checked?.source ?? draft.regoSource,
          regoSha256: checked?.sha256 ?? draft.regoSha256,
          updatedAt: new Date(unit.nowMs),
        };
        await updateDraft(unit.executor, draft, next);
        recordDraft(unit, "update_draft", next);
        return next;
      });
    },

    async remove(unit, key) {
      const draft = await lockEditable(unit, key);
      await deleteDraft(unit.executor, draft);
      recordDraft(unit, "delete_draft", draft);
    },

    async find(executor, key) {
      const draft = await findDraft(executor, key);
      if (draft === undefined) throw unknownDraft();
      return draft;
    },

    digests: selectDigests,
    list: selectDrafts,
  };
}

async function lockEditable(unit: Unit, key: DraftKey): Promise<Draft> {
  const draft = await lockDraft(unit.executor, key);
  if (draft === undefined) throw unknownDraft();
  assertEditable(draft);
  return draft;
}

function recordDraft(unit: Unit, name: string, draft: Draft, more: Record<string, string> = {}): void {
  const { tenant, id, regoSha256 } = draft;
  unit.record({
    tenant,
    name,
    details: { draft_id: id, name: draft.name, rego_sha256: regoSha256, ...more },
  });
}

export function unknownDraft(): Fault {
  return new Fault("not_found", "policies.unknown_draft", "There is no such draft.");
}
