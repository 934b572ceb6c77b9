// The judge of this sidecar: the one of @postern/decision over state that is already here. Only a budget that runs out, or a prompt not seen
// before, makes it ask anybody.
import { createLeaseLedger, type LeaseLedger } from "@postern/budget";
import { createVerifier } from "@postern/capability";
import { createJudge, type Judge } from "@postern/decision";
import { createIntentResolver, createRuleExtractor } from "@postern/intent";
import { createHttpExtractor } from "@postern/intent/http";
import { SUPPORTED_OBLIGATIONS } from "@postern/obligation";
import type { PolicyEngine } from "@postern/policy";
import type { SidecarConfig } from "./config.ts";
import type { ControlPlane } from "./control-plane.ts";
import type { HaltTable } from "./halts/halt-table.ts";
import { createMemoryKeys } from "./provenance/memory-keys.ts";
import { createMemoryProvenance } from "./provenance/memory-provenance.ts";
import type { Surroundings } from "./surroundings.ts";
import type { ControlState } from "./sync/control-state.ts";

export interface AssembledJudge {
  readonly judge: Judge;
  readonly budget: LeaseLedger;
}

export interface JudgeSurroundings extends Pick<Surroundings, "clock" | "log" | "metrics"> {
  readonly tenant: string;
  readonly epoch: number;
  readonly state: Pick<ControlState, "keys" | "revocations" | "stale" | "policyStale">;
  readonly halts: Pick<HaltTable, "refusalOf">;
  readonly engine: Pick<PolicyEngine, "evaluate" | "active">;
  readonly controlPlane: Pick<ControlPlane, "lease" | "returnLease" | "memoryKey">;
}

type JudgeConfig = Pick<
  SidecarConfig,
  | "extractorUrl"
  | "extractorTimeoutMs"
  | "intentConfidenceMin"
  | "intentTtlMs"
  | "requireIntent"
  | "requireMemoryProvenance"
  | "stepUpMaxAgeMs"
>;

/** Prompts remembered over all agents. */
const INTENTS_MAX = 10_000;

export function assembleJudge(config: JudgeConfig, around: JudgeSurroundings): AssembledJudge {
  const { clock, controlPlane, engine, epoch, log, metrics, state, tenant } = around;
  const budget = createLeaseLedger({
    authority: {
      async lease({ account, limit, want }) {
        const askedMs = clock.monotonicMs();
        const took = (outcome: "granted" | "empty" | "failed") =>
          metrics.observeMs("leaseDuration", { outcome }, clock.monotonicMs() - askedMs);
        const lease = await controlPlane.lease({ epoch, account, limit, want }).catch((caught: unknown) => {
          took("failed");
          throw caught;
        });
        took(lease.granted > 0 ? "granted" : "empty");
        return {
          leaseId: lease.lease_id,
          granted: lease.granted,
          ttlMs: lease.ttl_ms,
          remaining: lease.remaining,
        };
      },
      giveBack: ({ leaseId, unspent }) => controlPlane.returnLease({ lease_id: leaseId, unspent }),
    },
    clock,
    onTrouble: (fault) => log.warn("budget authority", { code: fault.code, text: fault.message }),
  });
  const extractor =
    config.extractorUrl === undefined
      ? createRuleExtractor()
      : createHttpExtractor({ url: config.extractorUrl, timeoutMs: config.extractorTimeoutMs });
  const judge = createJudge({
    clock,
    capability: createVerifier({
      keys: state.keys,
      tenant,
      clock,
      onFault: (fault) => log.error("capability not verified", fault),
    }),
    revocations: state.revocations,
    halts: around.halts,
    stale: state.stale,
    intent: createIntentResolver({ extractor, clock, ttlMs: config.intentTtlMs, entriesMax: INTENTS_MAX }),
    memory: createMemoryProvenance({
      keys: createMemoryKeys(around),
      isRequired: config.requireMemoryProvenance,
    }),
    policy: {
      evaluate(of, question) {
        const stale = state.policyStale(question.tool);
        return stale === undefined
          ? engine.evaluate(of, question)
          : { ok: false, reason: stale, pointer: engine.active(of) };
      },
    },
    budget,
    rules: {
      intentRequired: config.requireIntent,
      intentConfidenceMin: config.intentConfidenceMin,
      stepUpMaxAgeMs: config.stepUpMaxAgeMs,
      obligations: SUPPORTED_OBLIGATIONS,
    },
    onTrouble: (check, caught) => log.error("check failed", caught, { check }),
  });
  return { judge, budget };
}
