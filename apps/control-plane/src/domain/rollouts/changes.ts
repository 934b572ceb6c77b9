// The one way in which somebody changes what is in force. Where the tenant asks for two people, the first one's wish becomes a proposal about
// exactly one source, and another identity agrees to that source or to nothing. Clearing is no such change: one person may always stop all.
import { Fault } from "@postern/fault";
import type { Executor } from "../../database/connection.ts";
import type { Drafts } from "../policies/drafts.ts";
import type { ActivePolicy } from "../policies/model.ts";
import { type CheckedDraft, changedDraft, type Policies } from "../policies/service.ts";
import { tenantSettings } from "../tenants/settings.ts";
import type { Unit, Work } from "../unit.ts";
import { type Change, type Rollout, type RolloutKey, unknownProposal } from "./model.ts";
import {
  type Decision,
  lockOpen,
  type Proposed,
  propose,
  requireUndecided,
  type StandingProposal,
  settle,
  standingsOf,
} from "./proposals.ts";
import type { Rollouts } from "./service.ts";
import { findProposal, type Page, selectProposals } from "./store.ts";

/** What came of a wish. */
export type Outcome =
  | { readonly kind: "active"; readonly active: ActivePolicy }
  | { readonly kind: "rollout"; readonly rollout: Rollout }
  | { readonly kind: "proposal"; readonly proposal: StandingProposal };

export interface Changes {
  /**
   * Makes the change, or proposes it where the tenant asks for two people. Faults: those of the change itself · limited
   * "proposals.too_many".
   */
  ask(work: Work, wish: { tenant: string | undefined; change: Change; claim: string }): Promise<Outcome>;
  /**
   * Agrees, and the change is made in the same transaction; or turns it down.
   * Faults: not_found "proposals.unknown" · forbidden "proposals.own" · conflict "proposals.decided", "proposals.expired",
   * "policies.changed" · those of the change itself.
   */
  decide(work: Work, key: RolloutKey, decision: Decision): Promise<Outcome>;
  /** Nothing is in force any more, and nothing is tried. */
  clear(unit: Unit, tenant: string): Promise<void>;
  /** Faults: not_found "proposals.unknown". */
  find(executor: Executor, key: RolloutKey, nowMs: number): Promise<StandingProposal>;
  list(executor: Executor, page: Page, nowMs: number): Promise<readonly StandingProposal[]>;
}

/** A change that is ready to be made: whatever is slow is done. */
interface Prepared extends Proposed {
  make(unit: Unit, claim: string): Promise<Outcome>;
}

const SUPERSEDED = "Another policy was put in force.";

export function createChanges(nouns: { drafts: Drafts; policies: Policies; rollouts: Rollouts }): Changes {
  const { drafts, policies, rollouts } = nouns;

  async function prepare(work: Work, tenant: string | undefined, change: Change): Promise<Prepared> {
    switch (change.kind) {
      case "promote": {
        const checked = await policies.check(work, { id: change.draftId, tenant });
        return {
          ...ofDraft(change, checked),
          async make(unit, claim) {
            await rollouts.stopRunning(unit, checked.draft.tenant, SUPERSEDED);
            return { kind: "active", active: await policies.promote(unit, checked, claim) };
          },
        };
      }
      case "stage": {
        const checked = await policies.check(work, { id: change.draftId, tenant });
        return {
          ...ofDraft(change, checked),
          make: async (unit) => ({
            kind: "rollout",
            rollout: await rollouts.start(unit, checked, change.plan),
          }),
        };
      }
      case "rollback":
        return await prepareRollback(work, required(tenant), change);
      case "complete": {
        const key = { tenant: required(tenant), id: change.rolloutId };
        const { rollout } = await work.read((executor) => rollouts.find(executor, key));
        const { draftId, name, regoSha256 } = rollout;
        return {
          ...{ tenant: key.tenant, change, draftId, name, regoSha256 },
          make: async (unit, claim) => ({
            kind: "active",
            active: await rollouts.complete(unit, key, claim),
          }),
        };
      }
    }
  }

  async function prepareRollback(
    work: Work,
    tenant: string,
    { revision }: Change & { kind: "rollback" },
  ): Promise<Prepared> {
    const target = await work.read((executor) => policies.rollbackTarget(executor, { tenant, revision }));
    const { draftId, name, regoSha256 } = target;
    return {
      ...{ tenant, draftId, name, regoSha256 },
      // Who agrees, agrees to this content, whatever is in force by then.
      change: { kind: "rollback", revision: target.revision },
      async make(unit, claim) {
        await rollouts.stopRunning(unit, tenant, SUPERSEDED);
        return { kind: "active", active: await policies.rollback(unit, { tenant, revision, claim }) };
      },
    };
  }

  async function approve(work: Work, key: RolloutKey, decision: Decision): Promise<Outcome> {
    const proposal = await work.read((executor) => findProposal(executor, key));
    if (proposal === undefined) throw unknownProposal();
    requireUndecided(proposal);
    const prepared = await prepare(work, key.tenant, proposal.request);
    return await work.commit(async (unit) => {
      const open = await lockOpen(unit, key, decision);
      if (prepared.regoSha256 !== open.regoSha256) throw changedDraft();
      await settle(unit, open, decision);
      return await prepared.make(unit, decision.claim);
    });
  }

  async function reject(unit: Unit, key: RolloutKey, decision: Decision): Promise<Outcome> {
    const proposal = await settle(unit, await lockOpen(unit, key, decision), decision);
    return { kind: "proposal", proposal };
  }

  return {
    async ask(work, { tenant, change, claim }) {
      const prepared = await prepare(work, tenant, change);
      return await work.commit(async (unit) => {
        if (!(await needsTwo(unit, prepared))) return await prepared.make(unit, claim);
        await policies.lock(unit, prepared.tenant);
        return { kind: "proposal", proposal: await propose(unit, prepared, claim) };
      });
    },

    decide: (work, key, decision) =>
      decision.approve ? approve(work, key, decision) : work.commit((unit) => reject(unit, key, decision)),

    async clear(unit, tenant) {
      await rollouts.stopRunning(unit, tenant, "The active policy was cleared.");
      await policies.clear(unit, tenant);
    },

    async find(executor, key, nowMs) {
      const proposal = await findProposal(executor, key);
      if (proposal === undefined) throw unknownProposal();
      const [standing] = await standingsOf(executor, [proposal], { drafts, tenant: key.tenant, nowMs });
      if (standing === undefined) throw unknownProposal();
      return standing;
    },

    async list(executor, page, nowMs) {
      const found = await selectProposals(executor, page);
      return await standingsOf(executor, found, { drafts, tenant: page.tenant, nowMs });
    },
  };
}

/** A shadow decides nothing, so one person may try it. */
async function needsTwo(unit: Unit, { tenant, change }: Prepared): Promise<boolean> {
  if (change.kind === "stage" && change.plan.mode === "shadow") return false;
  return (await tenantSettings(unit.executor, tenant)).policies.two_person;
}

function ofDraft(change: Change, { draft, checked }: CheckedDraft): Proposed {
  const { tenant, id, name } = draft;
  return { tenant, change, draftId: id, name, regoSha256: checked.sha256 };
}

/** Only a draft tells by itself whose it is. */
function required(tenant: string | undefined): string {
  if (tenant !== undefined) return tenant;
  throw new Fault("invalid", "tenant.missing", "The tenant must be named.");
}
