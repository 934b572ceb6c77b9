// Candidates beside what is in force. Sidecars are told of a rollout in the same signed state as of the active policy, so taking one back
// needs nothing but a newer state: every sidecar still holds the active policy. Every change locks the tenant's policies, and a candidate's
// revision is higher than the active one's at any time, so that no sidecar can be led to a policy older than one that was in force.
import type { PolicyRollout, RolloutReport, RolloutReportReply } from "@postern/contracts";
import { Fault } from "@postern/fault";
import type { CompiledPolicy } from "@postern/policy/compile";
import type { Executor } from "../../database/connection.ts";
import type { ActivePolicy } from "../policies/model.ts";
import type { CheckedDraft, Policies } from "../policies/service.ts";
import type { Unit } from "../unit.ts";
import { alarmIn, type Figures, NO_FIGURES, type Sample } from "./figures.ts";
import { type Plan, type Rollout, type RolloutKey, toldOf, unknownRollout } from "./model.ts";
import { selectFigures, selectSamples, upsertReport } from "./report-store.ts";
import {
  findCompiled,
  findRollout,
  insertRollout,
  type Page,
  selectRollouts,
  selectRunning,
  updateRollout,
} from "./store.ts";

export interface CountedRollout {
  readonly rollout: Rollout;
  readonly figures: Figures;
}

export interface Rollouts {
  /** Faults: conflict "rollouts.running", "rollouts.nothing_active". */
  start(unit: Unit, checked: CheckedDraft, plan: Plan): Promise<Rollout>;
  /** Moves the share of sidecars. Faults: not_found "rollouts.unknown" · conflict "rollouts.ended". */
  change(unit: Unit, key: RolloutKey, percent: number): Promise<Rollout>;
  /** Every sidecar goes back to the active policy. Faults: as `change`. */
  stop(unit: Unit, key: RolloutKey, reason: string): Promise<Rollout>;
  /** As `stop`, of whatever runs, because something else is put in force. */
  stopRunning(unit: Unit, tenant: string, reason: string): Promise<void>;
  /** Puts in force exactly what was tried. Faults: as `change`; conflict "policies.changed"; not_found "policies.unknown_draft". */
  complete(unit: Unit, key: RolloutKey, claim: string): Promise<ActivePolicy>;
  /** Signs what is in force anew if it must be, and then the candidate too. */
  renew(unit: Unit, tenant: string): Promise<void>;
  /** Faults: not_found "rollouts.unknown" · conflict "sidecars.epoch". */
  take(
    unit: Unit,
    sidecar: { tenant: string; id: string; epoch: number },
    id: string,
    report: RolloutReport,
  ): Promise<RolloutReportReply>;
  /** Running rollouts that should not run on. */
  alarming(executor: Executor): Promise<readonly RolloutKey[]>;
  /** Stops a rollout that should not run on. Whether it did. */
  stopAlarming(unit: Unit, key: RolloutKey): Promise<boolean>;
  /** Faults: not_found "rollouts.unknown". */
  find(
    executor: Executor,
    key: RolloutKey,
  ): Promise<CountedRollout & { readonly samples: readonly Sample[] }>;
  list(executor: Executor, page: Page): Promise<readonly CountedRollout[]>;
  /** What sidecars are told, by tenant. */
  running(executor: Executor, tenants: readonly string[]): Promise<ReadonlyMap<string, PolicyRollout>>;
}

/** Samples are shown of so many sidecars at most. */
const SAMPLED_SIDECARS_MAX = 10;

export function createRollouts({ policies }: { policies: Policies }): Rollouts {
  /** A rollout that runs, while nobody else changes it. */
  async function lockRunning(unit: Unit, key: RolloutKey): Promise<Rollout> {
    await policies.lock(unit, key.tenant);
    const rollout = await findRollout(unit.executor, key);
    if (rollout === undefined) throw unknownRollout();
    if (rollout.status === "running") return rollout;
    throw new Fault("conflict", "rollouts.ended", `This rollout was ${rollout.status} already.`);
  }

  async function end(unit: Unit, rollout: Rollout, status: "completed" | "stopped", reason: string) {
    const at = new Date(unit.nowMs);
    const ended = {
      status,
      endedAt: at,
      changedAt: at,
      endedBy: unit.actor.name,
      endReason: reason,
    } as const;
    await updateRollout(unit.executor, rollout, ended);
    await policies.tell(unit, rollout.tenant);
    return { ...rollout, ...ended };
  }

  async function stop(unit: Unit, rollout: Rollout, reason: string): Promise<Rollout> {
    const { tenant, id } = rollout;
    const stopped = await end(unit, rollout, "stopped", reason);
    const figures = toldFigures(await figuresOf(unit.executor, rollout));
    unit.record({ tenant, name: "stop_rollout", reason, details: { ...named(rollout), figures } });
    unit.notify({
      tenant,
      type: "rollout.stopped",
      data: { rollout_id: id, name: rollout.name, reason, figures },
    });
    return stopped;
  }

  async function sign(unit: Unit, tenant: string, compiled: CompiledPolicy) {
    const { expires_at, ...pointer } = await policies.sign(unit, tenant, compiled);
    return { ...pointer, expiresAt: new Date(expires_at) };
  }

  return {
    async start(unit, { draft, checked }, plan) {
      const { tenant } = draft;
      await policies.lock(unit, tenant);
      await requireActive(policies, unit.executor, tenant);
      const [other] = await selectRunning(unit.executor, [tenant]);
      if (other !== undefined) {
        const message = "A rollout runs already: complete or stop it first.";
        throw new Fault("conflict", "rollouts.running", message, { detail: other.id });
      }
      if (plan.mode === "staged") await policies.freeze(unit, { draft, checked });
      const { wasm, ...text } = checked.compiled;
      const at = new Date(unit.nowMs);
      const rollout: Rollout = {
        ...plan,
        ...{ tenant, id: unit.newId(), draftId: draft.id, name: draft.name, regoSha256: checked.sha256 },
        ...(await sign(unit, tenant, checked.compiled)),
        ...{ status: "running", startedAt: at, startedBy: unit.actor.name, changedAt: at },
        ...{ endedAt: null, endedBy: "", endReason: "" },
      };
      await insertRollout(unit.executor, { ...rollout, compiled: text, wasm });
      await policies.tell(unit, tenant);
      const { mode, percent, labels, revision, digest } = rollout;
      const details = { ...named(rollout), mode, percent, labels, revision, digest };
      unit.record({ tenant, name: "start_rollout", details });
      return rollout;
    },

    async change(unit, key, percent) {
      const rollout = await lockRunning(unit, key);
      const changedAt = new Date(unit.nowMs);
      await updateRollout(unit.executor, key, { percent, changedAt });
      await policies.tell(unit, key.tenant);
      const details = { ...named(rollout), percent, before: rollout.percent };
      unit.record({ tenant: key.tenant, name: "change_rollout", details });
      return { ...rollout, percent, changedAt };
    },

    stop: async (unit, key, reason) => stop(unit, await lockRunning(unit, key), reason),

    async stopRunning(unit, tenant, reason) {
      await policies.lock(unit, tenant);
      for (const rollout of await selectRunning(unit.executor, [tenant])) await stop(unit, rollout, reason);
    },

    async complete(unit, key, claim) {
      const { tenant } = key;
      const rollout = await lockRunning(unit, key);
      const found = await findCompiled(unit.executor, key);
      if (found === undefined) throw unknownRollout();
      const { compiled, wasm, draftId, name, regoSha256 } = found;
      const draft = { tenant, id: draftId, name };
      const tried = { draft, checked: { sha256: regoSha256, compiled: { ...compiled, wasm } } };
      const active = await policies.promote(unit, tried, claim);
      await end(unit, rollout, "completed", "");
      const details = { ...named(rollout), revision: active.revision };
      unit.record({ tenant, name: "complete_rollout", details });
      return active;
    },

    async renew(unit, tenant) {
      if (!(await policies.renew(unit, tenant))) return;
      const [running] = await selectRunning(unit.executor, [tenant]);
      const found = running && (await findCompiled(unit.executor, running));
      if (found === undefined) return;
      const signed = await sign(unit, tenant, { ...found.compiled, wasm: found.wasm });
      await updateRollout(unit.executor, found, signed);
      await policies.tell(unit, tenant);
    },

    async take(unit, { tenant, id: sidecarId, epoch }, id, report) {
      const rollout = await findRollout(unit.executor, { tenant, id });
      if (rollout === undefined) throw unknownRollout();
      if (report.epoch > epoch) {
        const message = `The epoch ${report.epoch} was not granted to this sidecar.`;
        throw new Fault("conflict", "sidecars.epoch", message);
      }
      const reporter = { tenant, rolloutId: id, sidecarId, at: new Date(unit.nowMs) };
      await upsertReport(unit.executor, reporter, report);
      return { running: rollout.status === "running" };
    },

    async alarming(executor) {
      const running = await selectRunning(executor, undefined);
      const found: RolloutKey[] = [];
      for (const rollout of running)
        if (alarmIn(await figuresOf(executor, rollout), rollout) !== undefined) found.push(rollout);
      return found;
    },

    async stopAlarming(unit, key) {
      await policies.lock(unit, key.tenant);
      const rollout = await findRollout(unit.executor, key);
      if (rollout?.status !== "running") return false;
      const alarm = alarmIn(await figuresOf(unit.executor, rollout), rollout);
      if (alarm !== undefined) await stop(unit, rollout, alarm);
      return alarm !== undefined;
    },

    async find(executor, key) {
      const rollout = await findRollout(executor, key);
      if (rollout === undefined) throw unknownRollout();
      const samples = await selectSamples(executor, { ...key, sidecarsMax: SAMPLED_SIDECARS_MAX });
      return { rollout, figures: await figuresOf(executor, rollout), samples };
    },

    async list(executor, page) {
      const found = await selectRollouts(executor, page);
      const ids = found.map(({ id }) => id);
      const figures = await selectFigures(executor, page.tenant, ids);
      return found.map((rollout) => ({ rollout, figures: figures.get(rollout.id) ?? NO_FIGURES }));
    },

    async running(executor, tenants) {
      const found = await selectRunning(executor, tenants);
      return new Map(found.map((rollout) => [rollout.tenant, toldOf(rollout)]));
    },
  };
}

async function figuresOf(executor: Executor, { tenant, id }: RolloutKey): Promise<Figures> {
  return (await selectFigures(executor, tenant, [id])).get(id) ?? NO_FIGURES;
}

/** A candidate is compared with something, and taken back to something. */
async function requireActive(policies: Policies, executor: Executor, tenant: string): Promise<void> {
  const inForce = (await policies.inForce(executor, [tenant])).get(tenant);
  if (inForce !== undefined && inForce.kind !== "clear") return;
  throw new Fault(
    "conflict",
    "rollouts.nothing_active",
    "The tenant has no active policy that a candidate could be tried beside: promote the draft.",
  );
}

const named = ({ id, draftId, name, regoSha256 }: Rollout) => ({
  ...{ rollout_id: id, draft_id: draftId, name, rego_sha256: regoSha256 },
});

/** The figures as acts and notices tell them. */
function toldFigures(figures: Figures) {
  const { active, candidate, compared, differences, loadFailures, problem } = figures;
  return { active, candidate, compared, differences, load_failures: loadFailures, problem };
}
