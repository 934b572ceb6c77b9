// What a decision costs: evaluated at once on the caller's thread, found among those made before, and made on a thread of its own.
import type { Capability } from "@postern/contracts";
import {
  createPolicyEngine,
  openBundle,
  type PolicyEngine,
  type PolicyEngineOptions,
  type PolicyQuestion,
  packBundle,
} from "@postern/policy";
import { compileRego } from "@postern/policy/compile";
import { createKeySet, generateKeyPair, importSigningKey } from "@postern/signing";
import { HOLDER, type StageParts, TENANT } from "./stage.ts";
import { callOf, policyOfRulesThatRepeat, policyOfSixtyRules } from "./workload.ts";

const AT_ONCE = 64;
/** The sidecar's own deadline: a busy machine is no reason to deny here either. */
const DEADLINE_MS = 250;

export async function policyStages(capability: Capability): Promise<StageParts> {
  const [inline, cached, thread] = await Promise.all([
    openEngine(policyOfSixtyRules(), {}),
    openEngine(policyOfRulesThatRepeat(), {}),
    openEngine(policyOfSixtyRules(), { inlineFuel: 0 }),
  ]);
  let calls = 0;
  const ask = async (engine: PolicyEngine, agent = capability.agent) => {
    calls += 1;
    const verdict = await engine.evaluate(TENANT, questionOf({ ...capability, agent }, calls));
    if (!verdict.ok || !verdict.decision.allow) throw new Error("the policy of the bench allows its calls");
  };
  const askAtOnce = () => Promise.all(Array.from({ length: AT_ONCE }, (_, n) => ask(thread, `agent-${n}`)));
  return {
    stages: [
      { stage: "policy", title: "60 rules on the arguments, evaluated at once", run: () => ask(inline) },
      { stage: "policy", title: "60 rules on tool and agent, decision known", run: () => ask(cached) },
      { stage: "policy", title: "60 rules on a thread, one call at a time", run: () => ask(thread) },
      {
        stage: "policy",
        title: `60 rules on a thread, ${AT_ONCE} agents at once`,
        run: askAtOnce,
        callsPerRun: AT_ONCE,
      },
    ],
    async close() {
      await Promise.all([inline, cached, thread].map((engine) => engine.close()));
    },
  };
}

async function openEngine(source: string, options: PolicyEngineOptions): Promise<PolicyEngine> {
  const { kid, publicKey, secretKey } = await generateKeyPair();
  const keys = createKeySet([{ kid, public_key: publicKey, use: "bundle", status: "active" }]);
  const key = await importSigningKey(secretKey);
  const compiled = await compileRego({ source, opaPath: process.env.OPA_BIN ?? "opa" });
  const nowMs = Date.now();
  const createdAt = new Date(nowMs).toISOString();
  const expiresAt = new Date(nowMs + 86_400_000).toISOString();
  const { bytes } = await packBundle({ tenant: TENANT, revision: 1, createdAt, expiresAt, compiled, key });
  const engine = createPolicyEngine({ deadlineMs: DEADLINE_MS, ...options });
  await engine.load(await openBundle(bytes, { keys, tenant: TENANT, revisionMin: 1, nowMs }));
  return engine;
}

function questionOf(capability: Capability, n: number): PolicyQuestion {
  const { method, params } = callOf(n);
  return {
    action: "call",
    method,
    tool: params.name,
    args: params.arguments,
    capability,
    intent: undefined,
    ...HOLDER,
    nowMs: Date.now(),
    remaining: () => ({ calls: 1_000_000 }),
  };
}
