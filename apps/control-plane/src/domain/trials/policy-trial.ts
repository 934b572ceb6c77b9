// Adapter: policies as sidecars evaluate them, in an engine of their own that ends with the dry run. Each evaluation is bounded as in a sidecar,
// and after every few the event loop has its turn. A policy that a sidecar would not load is no policy that can be tried.
import { setImmediate as nextTurn } from "node:timers/promises";
import { type PolicyDecision, type PolicyInput, REASONS, type ReasonCode } from "@postern/contracts";
import { type Clock, Fault } from "@postern/fault";
import {
  createPolicyEngine,
  type OpenedBundle,
  openBundle,
  type PolicyVerdict,
  packBundle,
} from "@postern/policy";
import type { CompiledPolicy } from "@postern/policy/compile";
import { createKeySet, generateKeyPair, importSigningKey, type KeySet } from "@postern/signing";
import type { Policy, Verdict } from "./model.ts";
import { questionOf } from "./question.ts";

/** What sidecars take for fresh unless they are told otherwise. */
const STEP_UP_AGE_SECONDS_MAX = 900;
/** For one evaluation, as in sidecars unless they are told otherwise. */
const DEADLINE_MS = 250;
const ASKED_PER_TURN = 32;
/** A machine that is busy with other things may keep an evaluation waiting. */
const WAITING_MS = 10_000;
/** Of what an engine says about a failure. */
const DETAIL_CHARS_MAX = 1_024;
const DAY_MS = 86_400_000;

export interface CompiledTrial {
  readonly tenant: string;
  readonly compiled: CompiledPolicy;
  readonly clock: Clock;
}

/** A policy that nobody signed. Faults: invalid "policy.unusable" and what no bundle can be made of. */
export async function tryCompiled({ tenant, compiled, clock }: CompiledTrial): Promise<Policy> {
  const { kid, publicKey, secretKey } = await generateKeyPair();
  const keys = createKeySet([{ kid, public_key: publicKey, use: "bundle", status: "active" }]);
  const nowMs = clock.nowMs();
  const { bytes } = await packBundle({
    ...{ tenant, compiled, revision: 1, key: await importSigningKey(secretKey) },
    createdAt: new Date(nowMs).toISOString(),
    expiresAt: new Date(nowMs + DAY_MS).toISOString(),
  });
  const loaded = await load(await openBundle(bytes, { keys, tenant, revisionMin: 1, nowMs }), clock);
  if (!(loaded instanceof Fault)) return loaded;
  // Its author is the one who asks, and is told why.
  const why = (loaded.detail ?? "").slice(0, DETAIL_CHARS_MAX);
  const message = `No sidecar would put this policy in force: it fails on a harmless call (${why}).`;
  throw new Fault("invalid", loaded.code, message);
}

export interface SignedTrial {
  readonly tenant: string;
  readonly bytes: Uint8Array;
  readonly keys: KeySet;
  /** When it was put in force: a bundle that has ended since is loaded, and decides nothing. */
  readonly activatedAt: Date;
  readonly clock: Clock;
}

/** The bundle that sidecars have. Faults: those of opening it. */
export async function trySigned({ tenant, bytes, keys, activatedAt, clock }: SignedTrial): Promise<Policy> {
  const opened = await openBundle(bytes, { keys, tenant, revisionMin: 0, nowMs: activatedAt.getTime() });
  const loaded = await load(opened, clock);
  return loaded instanceof Fault ? denying("policy.failed") : loaded;
}

/** Where nothing is in force, everything is denied. */
export const nothingInForce: Policy = denying("policy.none");

function denying(code: ReasonCode): Policy {
  return { inputPaths: [], ask: async () => refusal(code, ""), close: async () => {} };
}

/** The policy, or why no sidecar would put it in force. */
async function load(bundle: OpenedBundle, clock: Clock): Promise<Policy | Fault> {
  let trouble = "";
  const engine = createPolicyEngine({
    clock,
    deadlineMs: DEADLINE_MS,
    workers: 2,
    waitingMs: WAITING_MS,
    onTrouble: ({ detail }) => {
      trouble = detail;
    },
  });
  try {
    await engine.load(bundle);
  } catch (caught) {
    await engine.close();
    if (caught instanceof Fault && caught.code === "policy.unusable") return caught;
    throw caught;
  }
  const { tenant } = bundle.manifest;
  let asked = 0;
  return {
    inputPaths: bundle.manifest.input_paths,
    async ask(input) {
      asked += 1;
      if (asked % ASKED_PER_TURN === 0) await nextTurn();
      // One at a time: the trouble that was heard of last is this one's.
      trouble = "";
      return verdictOf(input, await engine.evaluate(tenant, questionOf(input)), trouble);
    },
    close: () => engine.close(),
  };
}

function verdictOf(input: PolicyInput, verdict: PolicyVerdict, trouble: string): Verdict {
  if (!verdict.ok) return refusal(verdict.reason.code, trouble);
  const { decision: policy } = verdict;
  const said = {
    reason: policy.reason ?? "",
    rule: policy.rule ?? "",
    requiresStepUp: policy.requires_step_up === true,
    failed: false,
  };
  if (policy.escalate === true) return { ...said, decision: "escalate" };
  if (!policy.allow) return { ...said, decision: "block" };
  if (!isStale(policy, input)) return { ...said, decision: "allow" };
  return { ...said, decision: "block", reason: REASONS["policy.step_up"] };
}

/** Whether the call lacks the second factor that the policy asks for. */
function isStale(policy: PolicyDecision, { action, capability }: PolicyInput): boolean {
  if (policy.requires_step_up !== true || action === "list") return false;
  return (capability.step_up_age_seconds ?? Number.POSITIVE_INFINITY) > STEP_UP_AGE_SECONDS_MAX;
}

/** Nothing was decided, so the call is denied. That a policy has no answer is its author's choice; anything else is a failure. */
function refusal(code: ReasonCode, detail: string): Verdict {
  const isChosen = code === "policy.undefined" || code === "policy.none" || code === "policy.stale";
  const reason =
    isChosen || detail === "" ? REASONS[code] : `${REASONS[code]} (${detail.slice(0, DETAIL_CHARS_MAX)})`;
  return { decision: "block", reason, rule: "", requiresStepUp: false, failed: !isChosen };
}
