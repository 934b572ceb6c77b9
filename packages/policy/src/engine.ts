// Policies in force, one per tenant, and what they decide. Whatever is not a whole decision in time is a reason to deny: no policy,
// an expired one, an input too large to judge, a failure, an overrun. Evaluation never runs on the caller's thread.
import { availableParallelism } from "node:os";
import {
  type PolicyDecision,
  type PolicyInput,
  type PolicyPointer,
  type Reason,
  type ReasonCode,
  reason,
} from "@postern/contracts";
import { type Clock, Fault, systemClock } from "@postern/fault";
import { readDecision } from "./decision-result.ts";
import { createEvaluationPool, type PoolAnswer, type PoolBundle } from "./evaluation-pool.ts";
import { type EvaluationThread, openThread, type ThreadAnswer } from "./evaluation-thread.ts";
import type { OpenedBundle } from "./open-bundle.ts";

export type PolicyVerdict =
  | { readonly ok: true; readonly decision: PolicyDecision; readonly pointer: PolicyPointer }
  | { readonly ok: false; readonly reason: Reason; readonly pointer: PolicyPointer | undefined };

export interface PolicyEngineOptions {
  /** For one evaluation, from when a thread starts on it; default 50. */
  readonly deadlineMs?: number;
  /** For instantiating a policy on a thread and trying it there; default 5,000. */
  readonly loadDeadlineMs?: number;
  /** Threads; at least 2. Default: one per two processors, at most 4. */
  readonly workers?: number;
  /** Largest input as JSON; default 2 MiB. */
  readonly inputBytesMax?: number;
  /** WebAssembly memory of one policy on one thread, in pages of 64 KiB; default 512 (32 MiB). */
  readonly memoryPagesMax?: number;
  /** How long a call may wait for a thread; default 1,000. */
  readonly waitingMs?: number;
  /**
   * An agent whose calls have lately taken at least this long each is slow, and holds one thread at most;
   * default a tenth of `deadlineMs`.
   */
  readonly slowMs?: number;
  readonly clock?: Clock;
  /** Default: a worker thread. */
  readonly newThread?: () => EvaluationThread;
  /** Hears why a verdict is no decision, for the log. */
  readonly onTrouble?: (trouble: PolicyTrouble) => void;
}

export interface PolicyTrouble {
  readonly tenant: string;
  readonly code: ReasonCode;
  readonly detail: string;
}

export interface PolicyEngine {
  /**
   * Puts a policy in force for its tenant: instantiated and tried on every thread first, then swapped in at once.
   * Faults: invalid `policy.unusable`, conflict `policy.superseded` (cleared meanwhile); the old policy stays in force.
   */
  load(bundle: OpenedBundle): Promise<void>;
  /** Takes the tenant's policy away: every call is denied. */
  clear(tenant: string): void;
  /** Never rejects. */
  evaluate(tenant: string, input: PolicyInput): Promise<PolicyVerdict>;
  active(tenant: string): PolicyPointer | undefined;
  /** Ends the threads; calls still open are denied. */
  close(): Promise<void>;
}

interface Resident extends PoolBundle {
  readonly pointer: PolicyPointer;
  readonly expiresAtMs: number;
}

/** Some 4,000 calls of usual size. */
const WAITING_WEIGHT_MAX = 64 * 1024 * 1024;

export function createPolicyEngine(options: PolicyEngineOptions = {}): PolicyEngine {
  const {
    clock = systemClock,
    deadlineMs = 50,
    inputBytesMax = 2 * 1024 * 1024,
    memoryPagesMax = 512,
  } = options;
  const pool = createEvaluationPool<Resident>({
    openThread: options.newThread ?? (() => openThread({ memoryPagesMax })),
    threads: options.workers ?? Math.min(4, Math.ceil(availableParallelism() / 2)),
    deadlineMs,
    loadDeadlineMs: options.loadDeadlineMs ?? 5_000,
    slowMs: options.slowMs ?? deadlineMs / 10,
    waitingMs: options.waitingMs ?? 1_000,
    waitingWeightMax: WAITING_WEIGHT_MAX,
  });
  const clearings = new Map<string, number>();
  let slots = 0;
  let loading: Promise<unknown> = Promise.resolve();

  async function install({ manifest, pointer, module, dataJson }: OpenedBundle, clearing: number) {
    const { tenant } = manifest;
    slots += 1;
    const expiresAtMs = Date.parse(pointer.expires_at);
    const next: Resident = { slot: slots, tenant, module, dataJson, pointer, expiresAtMs };
    const problem = problemOf(await pool.install(next, TRIAL_INPUTS));
    const superseded = clearingOf(tenant) !== clearing;
    if (problem !== undefined || superseded) pool.remove(next);
    if (problem !== undefined) {
      const message = "The policy cannot be put in force: it fails on a harmless call.";
      throw new Fault("invalid", "policy.unusable", message, { detail: problem });
    }
    if (superseded) {
      throw new Fault("conflict", "policy.superseded", "The tenant's policy was cleared meanwhile.");
    }
    pool.putInForce(next);
  }

  const clearingOf = (tenant: string) => clearings.get(tenant) ?? 0;

  function refuse(tenant: string, resident: Resident | undefined, code: ReasonCode, detail: string) {
    options.onTrouble?.({ tenant, code, detail });
    return { ok: false, reason: reason(code), pointer: resident?.pointer } as const;
  }

  return {
    load(bundle) {
      const clearing = clearingOf(bundle.manifest.tenant);
      const loaded = loading.then(() => install(bundle, clearing));
      loading = loaded.catch(() => {});
      return loaded;
    },

    clear(tenant) {
      clearings.set(tenant, clearingOf(tenant) + 1);
      const resident = pool.resident(tenant);
      if (resident !== undefined) pool.remove(resident);
    },

    async evaluate(tenant, input) {
      const resident = pool.resident(tenant);
      if (resident === undefined) return refuse(tenant, resident, "policy.none", "no policy is loaded");
      if (clock.nowMs() >= resident.expiresAtMs) {
        return refuse(
          tenant,
          resident,
          "policy.stale",
          `the bundle expired at ${resident.pointer.expires_at}`,
        );
      }
      const inputJson = jsonOf(input);
      if (inputJson === undefined) {
        return refuse(tenant, resident, "policy.failed", "the input is not what a policy can read");
      }
      if (Buffer.byteLength(inputJson) > inputBytesMax) {
        return refuse(
          tenant,
          resident,
          "policy.too_large",
          `the input is larger than ${inputBytesMax} bytes`,
        );
      }
      // The token names the agent. Tools and arguments are of the caller's choosing, and an agent may hold many tokens.
      const call = { tenant, agent: input.agent_id, inputJson };
      const { answer, bundle = resident } = await pool.evaluate(call);
      const result = answer.kind === "result" ? readDecision(answer.text) : refusalOf(answer);
      if (!result.ok) return refuse(tenant, bundle, result.code, result.detail);
      return { ok: true, decision: result.decision, pointer: bundle.pointer };
    },

    active: (tenant) => pool.resident(tenant)?.pointer,
    close: () => pool.close(),
  };
}

/**
 * Input as JSON. Text with half a surrogate pair is refused, since OPA reads it differently from the tool server; so is what cannot
 * be printed, such as nesting too deep.
 */
function jsonOf(input: PolicyInput): string | undefined {
  try {
    const json = JSON.stringify(input);
    // JSON.stringify escapes lone surrogates, and only those, in lower case; an even number of backslashes before is other text.
    const lone = json.includes("\\ud") && /(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(json);
    return lone ? undefined : json;
  } catch {
    return undefined;
  }
}

function refusalOf(answer: Exclude<PoolAnswer, { kind: "result" }>) {
  switch (answer.kind) {
    case "failure":
    case "lost":
      return refusal("policy.failed", answer.detail);
    case "overrun":
      return refusal("policy.timeout", "the evaluation passed its deadline");
    case "crowded":
      return refusal("policy.timeout", "no thread was free in time");
    case "dropped":
      return refusal("policy.none", "the policy was cleared");
  }
}

const refusal = (code: ReasonCode, detail: string) => ({ ok: false, code, detail }) as const;

/** Why a policy cannot be used, if so. To leave a harmless call undecided is no problem: it is denied. */
function problemOf(answer: ThreadAnswer): string | undefined {
  if (answer.kind === "overrun") return "it did not finish in time";
  if (answer.kind === "evaluated") return "a thread is confused";
  if (answer.kind !== "loaded") return answer.detail;
  for (const trial of answer.trials) {
    const result =
      trial.kind === "result" ? readDecision(trial.text) : refusal("policy.failed", trial.detail);
    if (!result.ok && result.code !== "policy.undefined") return result.detail;
  }
  return undefined;
}

/** Calls that any policy must survive before it is put in force. */
const TRIAL_INPUTS: readonly string[] = (["list", "call"] as const).map((action) => {
  const input: PolicyInput = {
    action,
    tool: "postern_trial",
    args: {},
    agent_id: "postern-trial",
    session_id: "",
    upstream: "default",
    capability: {
      subject: "postern-trial",
      issuer: "postern",
      tenant: "postern-trial",
      token_id: "postern-trial",
      root_token_id: "postern-trial",
      caveat_count: 0,
      issued_at: "2026-01-01T00:00:00.000Z",
    },
    budget: {},
    time: { now: "2026-01-01T00:00:00.000Z", unix_ms: 1767225600000, hour: 0, minute: 0, weekday: 4 },
    remote_address: "127.0.0.1",
    request_id: "postern-trial",
  };
  return JSON.stringify(input);
});
