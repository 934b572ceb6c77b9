// A world in which every check allows a call; each test spoils what it is about.

import type { Remaining } from "@postern/budget";
import { createMemoryLedger } from "@postern/budget/memory";
import { type Capability, type Caveat, type Intent, type PolicyDecision, reason } from "@postern/contracts";
import { Fault } from "@postern/fault";
import type { PolicyQuestion } from "@postern/policy";
import { fixedClock, sequentialIds } from "@postern/testkit";
import { createJudge } from "./judge.ts";
import type { JudgePorts } from "./ports.ts";
import type { CallRequest } from "./verdict.ts";

export const NOW_MS = Date.parse("2026-11-22T12:00:00.000Z");
export const POINTER = {
  revision: 3,
  digest: "a".repeat(64),
  kid: `k4.pid.${"A".repeat(44)}`,
  expires_at: "2027-01-01T00:00:00Z",
};

export function capability(caveats: Caveat[] = [], overrides: Partial<Capability> = {}): Capability {
  return {
    tenant: "acme",
    agent: "agent-x",
    issuer: "postern",
    jti: "jti-1",
    rootJti: "jti-1",
    parentJti: undefined,
    kid: POINTER.kid,
    issuedAtMs: NOW_MS - 1000,
    notBeforeMs: undefined,
    expiresAtMs: undefined,
    stepUpAtMs: undefined,
    hops: [{ jti: "jti-1", caveats }],
    caveatCount: caveats.length,
    ...overrides,
  };
}

export const CALL: CallRequest = {
  token: "good",
  method: "tools/call",
  tool: "read_invoice",
  args: { id: 7 },
  upstream: "default",
  intentPrompt: undefined,
  sessionId: "s",
  remoteAddress: "127.0.0.1",
  requestId: "r",
};

/** What the policy was asked, with what it may look up. */
export interface AskedQuestion extends Omit<PolicyQuestion, "remaining"> {
  readonly remaining: Remaining;
}

/** Its ports answer at once, unless `spoil` says otherwise. */
export function world(
  spoil: Partial<JudgePorts> & { token?: Capability; decision?: unknown; intended?: Intent } = {},
) {
  const asked: string[] = [];
  const questions: AskedQuestion[] = [];
  const trouble: string[] = [];
  const clock = fixedClock(NOW_MS);
  const ledger = createMemoryLedger({ clock, newId: sequentialIds("reservation") });
  const judge = createJudge({
    clock,
    capability: {
      verify: (token) => {
        asked.push("capability");
        return token === "good"
          ? { ok: true, capability: spoil.token ?? capability() }
          : { ok: false, reason: reason("capability.signature") };
      },
    },
    revocations: { isRevoked: () => false },
    halts: { refusalOf: () => undefined },
    stale: () => undefined,
    intent: {
      resolve: () => {
        asked.push("intent");
        return {
          ok: true,
          intent: spoil.intended ?? {
            summary: "",
            allowed_tools: ["read_invoice"],
            forbidden_tools: [],
            confidence: 1,
          },
        };
      },
    },
    policy: {
      evaluate: (_tenant, question) => {
        asked.push("policy");
        questions.push({ ...question, remaining: question.remaining() });
        return {
          ok: true,
          decision: (spoil.decision ?? { allow: true }) as PolicyDecision,
          pointer: POINTER,
        };
      },
    },
    budget: {
      reserve: (tenant, charges) => {
        asked.push("budget");
        return ledger.reserve(tenant, charges);
      },
      remaining: (tenant, token, nowMs) => ledger.remaining(tenant, token, nowMs),
    },
    rules: {
      intentRequired: false,
      intentConfidenceMin: 0.5,
      stepUpMaxAgeMs: 300_000,
      obligations: new Set(),
    },
    onTrouble: (check) => trouble.push(check),
    ...spoil,
  });
  return { judge, asked, questions, trouble, clock };
}

export const intended = (over: Partial<Intent>): Intent => ({
  summary: "",
  allowed_tools: ["read_invoice"],
  forbidden_tools: [],
  confidence: 1,
  ...over,
});

export const STALE = { stale: () => reason("capability.stale") };
export const REVOKED = { revocations: { isRevoked: (jti: string) => jti === "jti-1" } };

export const fail = () => {
  throw new Fault("internal", "x", "x");
};
