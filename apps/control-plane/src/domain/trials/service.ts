// Dry runs: a candidate policy is asked about calls of the past, or about one that somebody wrote down, beside the policy in force. Nothing changes but
// the log, which tells that history was read. Whatever a candidate does, the run ends: every evaluation, every run and their number are bounded.
import type { JsonObject, PolicyInput } from "@postern/contracts";
import { type Clock, Fault } from "@postern/fault";
import type { Audit } from "../audit/service.ts";
import type { Capabilities } from "../capabilities/service.ts";
import type { Keys } from "../keys/service.ts";
import type { PolicyCompiler } from "../policies/compiler.ts";
import { isActive } from "../policies/model.ts";
import type { Policies } from "../policies/service.ts";
import type { Work } from "../unit.ts";
import { pastCalls } from "./history.ts";
import { type Bench, judgePast, judgeWritten } from "./judge-again.ts";
import type { Interruption, Policy, Selection, Trial } from "./model.ts";
import { nothingInForce, tryCompiled, trySigned } from "./policy-trial.ts";
import { createRoom } from "./room.ts";
import { probesFor, safetyOf } from "./safety.ts";
import { createTally, type Tally } from "./tally.ts";

export interface TrialRequest {
  readonly tenant: string;
  readonly regoSource: string;
  /** One call, or those of the past that are named. */
  readonly about: { readonly input: PolicyInput } | { readonly selection: Selection };
  /** How many decisions the answer may hold. */
  readonly shownMax: number;
  /** What was asked for, as the log tells it. */
  readonly told: JsonObject;
  /** Ends the run when its caller leaves. */
  readonly signal: AbortSignal;
}

export interface Trials {
  /**
   * Faults: invalid "policy.rego" with the compiler's own words, "policy.unusable"; unavailable "policies.no_compiler"; limited
   * "trials.busy", "policies.compiler_busy"; not_found "trials.unknown_event".
   */
  dryRun(work: Work, request: TrialRequest): Promise<Trial>;
}

/** For all that is judged. Compiling and loading come before it, and have bounds of their own. */
export const JUDGING_MS_MAX = 20_000;

interface TrialPorts {
  readonly keys: Pick<Keys, "keySet">;
  readonly policies: Pick<Policies, "inForce" | "bundle">;
  readonly audit: Pick<Audit, "replay">;
  readonly capabilities: Pick<Capabilities, "issued">;
  readonly compile: PolicyCompiler;
  readonly clock: Clock;
}

export function createTrials(ports: TrialPorts): Trials {
  const { keys, policies, compile, clock } = ports;
  const room = createRoom();

  async function activePolicy(work: Work, tenant: string): Promise<Policy> {
    const found = await work.read(async (executor) => {
      const activation = (await policies.inForce(executor, [tenant])).get(tenant);
      if (!isActive(activation)) return undefined;
      const { activatedAt, digest } = activation;
      const bytes = await policies.bundle(executor, tenant, digest);
      return { activatedAt, bytes, keys: await keys.keySet(executor, tenant) };
    });
    return found === undefined ? nothingInForce : await trySigned({ ...found, tenant, clock });
  }

  /** Both policies, for as long as the work takes. */
  async function onBench<T>(work: Work, request: TrialRequest, judge: (bench: Bench) => Promise<T>) {
    const { tenant, regoSource } = request;
    const { compiled, sha256 } = await compile(regoSource);
    const candidate = await tryCompiled({ tenant, compiled, clock });
    try {
      const active = await activePolicy(work, tenant);
      try {
        return { regoSha256: sha256, ...(await judge({ candidate, active })) };
      } finally {
        await active.close();
      }
    } finally {
      await candidate.close();
    }
  }

  async function judgeAll(
    work: Work,
    { tenant, about, signal }: TrialRequest,
    bench: Bench,
    tally: Tally,
  ): Promise<Interruption | undefined> {
    if ("input" in about) {
      tally.add(await judgeWritten(bench, { input: about.input, unknown: [] }));
      return undefined;
    }
    const untilMs = clock.monotonicMs() + JUDGING_MS_MAX;
    const calls = pastCalls({ ...ports, read: work.read }, tenant, about.selection);
    for (;;) {
      const next = await calls.next();
      if (next.done === true) return next.value.isWhole ? undefined : "history";
      if (signal.aborted) return "caller";
      if (clock.monotonicMs() > untilMs) return "time";
      tally.add(await judgePast(bench, next.value));
    }
  }

  async function judge(work: Work, request: TrialRequest, bench: Bench) {
    const probed = [];
    for (const probe of probesFor(request.tenant, clock.nowMs())) {
      probed.push({ candidate: await bench.candidate.ask(probe), active: await bench.active.ask(probe) });
    }
    const tally = createTally(request.shownMax);
    const interruption = await judgeAll(work, request, bench, tally);
    const summary = tally.summary();
    const safety = safetyOf({ summary, probed, isSample: "selection" in request.about });
    return { summary, safety, decisions: tally.shown(), interruption };
  }

  return {
    async dryRun(work, request) {
      const { tenant, about, told } = request;
      if ("selection" in about) await assertKnown(work, ports.audit, tenant, about.selection.eventId);
      const trial = await room.within(tenant, () =>
        onBench(work, request, (bench) => judge(work, request, bench)),
      );
      const { evaluated, changed } = trial.summary;
      const details = { ...told, rego_sha256: trial.regoSha256, evaluated, changed };
      await work.commit(async (unit) => unit.record({ tenant, name: "dry_run", details }));
      return trial;
    },
  };
}

/** Of an event that is named it is said when there is none; another tenant's is none. */
async function assertKnown(
  work: Work,
  audit: TrialPorts["audit"],
  tenant: string,
  eventId: string | undefined,
): Promise<void> {
  if (eventId === undefined) return;
  const none = { since: undefined, until: undefined, tool: undefined, agentId: undefined };
  const page = { limit: 1, before: undefined };
  const found = await work.read((executor) => audit.replay(executor, { tenant, eventId, ...none }, page));
  if (found.length === 0) throw new Fault("not_found", "trials.unknown_event", "There is no such event.");
}
