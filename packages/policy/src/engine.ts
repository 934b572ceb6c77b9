// Policies in force, one per tenant and seat, and what they decide. Whatever is not a whole decision in time is a reason to deny: no policy,
// an expired one, an input too large to judge, a failure, an overrun. Short work is done at once, on the caller's thread and within a fixed
// amount of fuel; all other work is done on threads that can be ended (docs/adr/0012). Both give the same decisions.
import { availableParallelism } from "node:os";
import {
  type PolicyDecision,
  type PolicyPointer,
  type Reason,
  type ReasonCode,
  reason,
} from "@postern/contracts";
import { type Clock, Fault, systemClock } from "@postern/fault";
import { canRepeat, createDecisionCache, type DecisionCache } from "./decision-cache.ts";
import { createDecisionReader, type DecisionResult } from "./decision-result.ts";
import { createEvaluationPool, type PoolAnswer, type PoolBundle } from "./evaluation-pool.ts";
import { type EvaluationThread, openThread } from "./evaluation-thread.ts";
import { createInlineAllowance, type InlineAllowance } from "./inline-allowance.ts";
import { createInlineEvaluator, INLINE_CHARS_MAX, type InlineEvaluator } from "./inline-evaluator.ts";
import { createInputWriter, type InputWriter } from "./input-text.ts";
import type { OpenedBundle } from "./open-bundle.ts";
import type { PolicyQuestion } from "./policy-input.ts";
import { problemIn, problemOf, trialInputs } from "./policy-trial.ts";

/** `decision` is frozen: calls that are decided alike share it. */
export type PolicyVerdict =
  | { readonly ok: true; readonly decision: PolicyDecision; readonly pointer: PolicyPointer }
  | { readonly ok: false; readonly reason: Reason; readonly pointer: PolicyPointer | undefined };

export interface PolicyEngineOptions {
  /** For one evaluation on a thread, from when it starts on it; default 50. */
  readonly deadlineMs?: number;
  /** For instantiating a policy on a thread and trying it there; default 5,000. */
  readonly loadDeadlineMs?: number;
  /** Threads; at least 2, each opened when it is first needed. Default: one per two processors, at most 4. */
  readonly workers?: number;
  /** Largest input as JSON, of what the policy reads; default 2 MiB. */
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
  /** For one evaluation on the caller's thread; default about a millisecond's. 0: everything is done on threads. */
  readonly inlineFuel?: number;
  readonly clock?: Clock;
  /** Default: a worker thread. */
  readonly newThread?: () => EvaluationThread;
  /** Hears why a verdict is no decision, for the log. */
  readonly onTrouble?: (trouble: PolicyTrouble) => void;
  /** Hears where each question is answered. */
  readonly onQuestion?: (way: "cache" | "inline" | "thread") => void;
}

export interface PolicyTrouble {
  readonly tenant: string;
  readonly seat: PolicySeat;
  readonly code: ReasonCode;
  readonly detail: string;
}

/** A tenant has room for two policies: the one in force, and one that is tried. They share threads and nothing else. */
export type PolicySeat = "active" | "candidate";

/** `seat` is "active" unless it is named. */
export interface PolicyEngine {
  /**
   * Puts a policy in force for its tenant: instantiated and tried first, wherever it is going to be evaluated, then swapped in at once.
   * Faults: invalid `policy.unusable`, conflict `policy.superseded` (cleared meanwhile); the old policy stays in force.
   */
  load(bundle: OpenedBundle, seat?: PolicySeat): Promise<void>;
  /** Takes the tenant's policy away: every call is denied. */
  clear(tenant: string, seat?: PolicySeat): void;
  /** At once, unless it takes a thread. Never throws and never rejects, unless the question does when it is asked for what remains. */
  evaluate(
    tenant: string,
    question: PolicyQuestion,
    seat?: PolicySeat,
  ): PolicyVerdict | Promise<PolicyVerdict>;
  active(tenant: string, seat?: PolicySeat): PolicyPointer | undefined;
  /** Ends the threads; calls still open are denied. */
  close(): Promise<void>;
}

/** `tenant` is a place: to the pool, which shares threads fairly, a tenant's candidate is a tenant of its own. */
interface Resident extends PoolBundle {
  readonly pointer: PolicyPointer;
  readonly expiresAtMs: number;
  readonly write: InputWriter;
  /** Undefined if no two of its calls are alike. */
  readonly cache: DecisionCache<DecisionResult> | undefined;
  /** Undefined if it is evaluated on threads only. */
  readonly inline: InlineEvaluator | undefined;
  readonly allowance: InlineAllowance;
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
  const readDecision = createDecisionReader();
  /** How often each place was cleared. */
  const clearings = new Map<string, number>();
  let slots = 0;
  /** The latest load of each place: those of one place go one after the other, and no place waits for another. */
  const loadings = new Map<string, Promise<unknown>>();
  let isClosed = false;

  async function install(bundle: OpenedBundle, place: string, clearing: number) {
    slots += 1;
    const next = residentOf(bundle, place, slots);
    const problem = await problemWith(next);
    const superseded = clearingOf(place) !== clearing;
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

  function residentOf(
    { manifest, pointer, module, metered, dataJson }: OpenedBundle,
    place: string,
    slot: number,
  ): Resident {
    const { inlineFuel: fuel } = options;
    const isInline = metered !== undefined && fuel !== 0;
    return {
      ...{ slot, tenant: place, module, dataJson, pointer },
      expiresAtMs: Date.parse(pointer.expires_at),
      write: createInputWriter(manifest.input_paths),
      cache: canRepeat(manifest.input_paths) ? createDecisionCache() : undefined,
      inline: isInline
        ? createInlineEvaluator({ module: metered, dataJson, ...(fuel && { fuel }) })
        : undefined,
      allowance: createInlineAllowance(clock),
    };
  }

  /** Why a policy cannot be used, if so. One that answers here needs no thread to be opened for it. */
  async function problemWith(next: Resident): Promise<string | undefined> {
    const trials = trialInputs(next.write);
    const texts = trials.flatMap((trial) => next.inline?.evaluate(trial) ?? []);
    const answersHere = texts.length === trials.length;
    const problem = answersHere ? problemIn(texts) : undefined;
    return problem ?? problemOf(await pool.install(next, trials, answersHere ? "open" : "all"));
  }

  const clearingOf = (place: string) => clearings.get(place) ?? 0;

  function evaluate(place: string, question: PolicyQuestion): PolicyVerdict | Promise<PolicyVerdict> {
    const resident = pool.resident(place);
    if (resident === undefined) return refuse(place, resident, "policy.none", "no policy is loaded");
    if (isClosed) return refuse(place, resident, "policy.failed", "the engine is closed");
    if (clock.nowMs() >= resident.expiresAtMs) {
      const detail = `the bundle expired at ${resident.pointer.expires_at}`;
      return refuse(place, resident, "policy.stale", detail);
    }
    const inputJson = resident.write(question);
    if (inputJson === undefined) {
      return refuse(place, resident, "policy.failed", "the input is not what a policy can read");
    }
    if (3 * inputJson.length > inputBytesMax && Buffer.byteLength(inputJson) > inputBytesMax) {
      return refuse(place, resident, "policy.too_large", `the input is larger than ${inputBytesMax} bytes`);
    }
    // The token names the agent. Tools and arguments are of the caller's choosing, and an agent may hold many tokens.
    const { agent } = question.capability;
    const kept = resident.cache?.get(inputJson);
    const result = kept ?? evaluateHere(resident, agent, inputJson);
    options.onQuestion?.(kept !== undefined ? "cache" : result !== undefined ? "inline" : "thread");
    if (result !== undefined) return verdictOf(resident, result);
    return evaluateOnThread(resident, question, inputJson);
  }

  function evaluateHere(resident: Resident, agent: string, inputJson: string): DecisionResult | undefined {
    const { allowance, inline } = resident;
    if (inline === undefined || inputJson.length > INLINE_CHARS_MAX || !allowance.isAllowed(agent))
      return undefined;
    const text = inline.evaluate(inputJson);
    allowance.charge(agent, inline.spent());
    return text === undefined ? undefined : read(resident, inputJson, text);
  }

  async function evaluateOnThread(
    resident: Resident,
    question: PolicyQuestion,
    inputJson: string,
  ): Promise<PolicyVerdict> {
    const { tenant: place } = resident;
    const call = { tenant: place, agent: question.capability.agent, inputJson };
    const { answer, bundle = resident } = await pool.evaluate(call);
    const isJudged = answer.kind === "result" || answer.kind === "failure";
    // A policy that took over while the call waited may read what the old one had no use for.
    if (isJudged && bundle !== resident) return evaluate(place, question);
    if (answer.kind === "result") return verdictOf(resident, read(resident, inputJson, answer.text));
    const { code, detail } = refusalOf(answer);
    return refuse(place, bundle, code, detail);
  }

  function read(resident: Resident, inputJson: string, text: string): DecisionResult {
    const result = readDecision(text);
    resident.cache?.put(inputJson, result);
    return result;
  }

  function verdictOf(resident: Resident, result: DecisionResult): PolicyVerdict {
    if (!result.ok) return refuse(resident.tenant, resident, result.code, result.detail);
    return { ok: true, decision: result.decision, pointer: resident.pointer };
  }

  function refuse(
    place: string,
    resident: Resident | undefined,
    code: ReasonCode,
    detail: string,
  ): PolicyVerdict {
    options.onTrouble?.({ ...seatAt(place), code, detail });
    return { ok: false, reason: reason(code), pointer: resident?.pointer };
  }

  return {
    load(bundle, seat) {
      const place = placeOf(bundle.manifest.tenant, seat);
      const clearing = clearingOf(place);
      const before = loadings.get(place) ?? Promise.resolve();
      const loaded = before.then(() => install(bundle, place, clearing));
      loadings.set(
        place,
        loaded.catch(() => {}),
      );
      return loaded;
    },

    clear(tenant, seat) {
      const place = placeOf(tenant, seat);
      clearings.set(place, clearingOf(place) + 1);
      const resident = pool.resident(place);
      if (resident !== undefined) pool.remove(resident);
    },

    evaluate: (tenant, question, seat) => evaluate(placeOf(tenant, seat), question),
    active: (tenant, seat) => pool.resident(placeOf(tenant, seat))?.pointer,

    close() {
      isClosed = true;
      return pool.close();
    },
  };
}

/** A tenant's name holds no blank, so no tenant's place is another one's. */
const CANDIDATE = " candidate";
const placeOf = (tenant: string, seat: PolicySeat = "active") =>
  seat === "candidate" ? tenant + CANDIDATE : tenant;
const seatAt = (place: string) =>
  place.endsWith(CANDIDATE)
    ? ({ tenant: place.slice(0, -CANDIDATE.length), seat: "candidate" } as const)
    : ({ tenant: place, seat: "active" } as const);

function refusalOf(answer: Exclude<PoolAnswer, { kind: "result" }>): { code: ReasonCode; detail: string } {
  switch (answer.kind) {
    case "failure":
    case "lost":
      return { code: "policy.failed", detail: answer.detail };
    case "overrun":
      return { code: "policy.timeout", detail: "the evaluation passed its deadline" };
    case "crowded":
      return { code: "policy.timeout", detail: "no thread was free in time" };
    case "dropped":
      return { code: "policy.none", detail: "the policy was cleared" };
  }
}
