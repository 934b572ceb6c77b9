// What any policy must survive before it is put in force: being asked about a harmless thing. To leave that undecided is no problem, since it
// is denied; to fail on it, or to answer it with what is no decision, is.
import type { Capability } from "@postern/contracts";
import { readDecision } from "./decision-result.ts";
import type { ThreadAnswer } from "./evaluation-thread.ts";
import type { InputWriter } from "./input-text.ts";

/** Inputs in the words of one policy. */
export function trialInputs(write: InputWriter): readonly string[] {
  return (["list", "call"] as const).flatMap((action) => write({ ...TRIAL, action }) ?? []);
}

/** Why a policy that gave these result sets cannot be used, if so. */
export function problemIn(texts: readonly string[]): string | undefined {
  for (const text of texts) {
    const result = readDecision(text);
    if (!result.ok && result.code !== "policy.undefined") return result.detail;
  }
  return undefined;
}

/** Why a policy that a thread was asked to load cannot be used, if so. */
export function problemOf(answer: ThreadAnswer): string | undefined {
  if (answer.kind === "overrun") return "it did not finish in time";
  if (answer.kind === "evaluated") return "a thread is confused";
  if (answer.kind !== "loaded") return answer.detail;
  for (const trial of answer.trials) {
    const problem = trial.kind === "result" ? problemIn([trial.text]) : trial.detail;
    if (problem !== undefined) return problem;
  }
  return undefined;
}

const NAME = "postern-trial";
const MADE_AT_MS = Date.UTC(2026, 0, 1);

const HOLDER: Capability = {
  tenant: NAME,
  agent: NAME,
  issuer: "postern",
  jti: NAME,
  rootJti: NAME,
  parentJti: undefined,
  kid: NAME,
  issuedAtMs: MADE_AT_MS,
  notBeforeMs: undefined,
  expiresAtMs: undefined,
  stepUpAtMs: undefined,
  hops: [],
  caveatCount: 0,
};

const TRIAL = {
  method: "tools/call",
  tool: "postern_trial",
  args: {},
  capability: HOLDER,
  intent: undefined,
  upstream: "default",
  sessionId: "",
  remoteAddress: "127.0.0.1",
  requestId: NAME,
  nowMs: MADE_AT_MS,
  remaining: () => ({}),
} as const;
