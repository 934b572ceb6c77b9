// The policy engine with one thing otherwise: OPA gets the whole input as an object and prints it by itself, on the main thread.
import { createRequire } from "node:module";
import { join } from "node:path";
import type { PolicyDecision, PolicyInput, PolicyPointer } from "@postern/contracts";
import {
  createPolicyEngine as createReal,
  type PolicyEngine,
  type PolicyEngineOptions,
  type PolicyQuestion,
} from "@postern/policy";
import { repositoryRoot } from "@postern/testkit";

interface LoadedPolicy {
  setData(json: object): void;
  evaluate(input: object, entrypoint: string): readonly { readonly result: PolicyDecision }[];
}

interface OpaWasm {
  loadPolicySync(module: WebAssembly.Module, memory: { initial: number; maximum: number }): LoadedPolicy;
}

const requireOfPolicy = createRequire(join(repositoryRoot, "packages", "policy", "package.json"));
const { loadPolicySync } = requireOfPolicy("@open-policy-agent/opa-wasm") as OpaWasm;

export function createPolicyEngine(options?: PolicyEngineOptions): PolicyEngine {
  const real = createReal(options);
  const loaded = new Map<string, { readonly policy: LoadedPolicy; readonly pointer: PolicyPointer }>();
  return {
    ...real,
    async load(bundle) {
      await real.load(bundle);
      const policy = loadPolicySync(bundle.module, { initial: 5, maximum: 512 });
      policy.setData(JSON.parse(bundle.dataJson) as object);
      loaded.set(bundle.manifest.tenant, { policy, pointer: bundle.pointer });
    },
    evaluate(tenant, question) {
      const known = loaded.get(tenant);
      const results = known?.policy.evaluate(inputOf(question), "intentgate/policy/decision");
      const decision = results?.[0]?.result;
      if (known === undefined || decision === undefined) return real.evaluate(tenant, question);
      return { ok: true, decision, pointer: known.pointer };
    },
  };
}

function inputOf({ capability, nowMs, remaining, ...question }: PolicyQuestion): PolicyInput {
  const now = new Date(nowMs);
  return {
    action: question.action,
    method: question.method,
    tool: question.tool,
    args: question.args,
    agent_id: capability.agent,
    session_id: question.sessionId,
    upstream: question.upstream,
    capability: {
      subject: capability.agent,
      issuer: capability.issuer,
      tenant: capability.tenant,
      token_id: capability.jti,
      root_token_id: capability.rootJti,
      caveat_count: capability.caveatCount,
      issued_at: new Date(capability.issuedAtMs).toISOString(),
    },
    budget: { calls_remaining: remaining().calls ?? 0 },
    time: {
      now: now.toISOString(),
      unix_ms: nowMs,
      hour: now.getUTCHours(),
      minute: now.getUTCMinutes(),
      weekday: now.getUTCDay(),
    },
    remote_address: question.remoteAddress,
    request_id: question.requestId,
  };
}
