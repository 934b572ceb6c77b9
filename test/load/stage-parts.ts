// The stages of one call, opened for measurement: each is the function that the sidecar calls, on the bench's own calls.
import { argumentsDigest } from "@postern/audit";
import { chargesFor, createLeaseLedger, type Ledger } from "@postern/budget";
import { createMemoryLedger } from "@postern/budget/memory";
import { checkCapability, createVerifier, mint } from "@postern/capability";
import type { Capability } from "@postern/contracts";
import { randomId, systemClock } from "@postern/fault";
import { createIntentResolver, createRuleExtractor, matchIntent } from "@postern/intent";
import { readMessage, readServerMessage } from "@postern/mcp";
import { createKeySet, generateKeyPair, importSigningKey } from "@postern/signing";
import type { TestScope } from "@postern/testkit";
import { answerBody } from "./answers.ts";
import { createPinTable } from "./sidecar-parts.ts";
import { HOLDER, SALT, type Stage, type StageParts, TENANT } from "./stage.ts";
import { auditStages } from "./stage-audit.ts";
import { forwardStages } from "./stage-forward.ts";
import { policyStages } from "./stage-policy.ts";
import { CAVEATS, callBody, callOf, INTENT_PROMPT, PLAIN, TOOLS } from "./workload.ts";

const LIMITS = { bytesMax: 1_048_576 };
const { arguments: ARGS, name: TOOL } = callOf(1).params;

/** Faults: what compiling the policy without `opa` (OPA_BIN, or on PATH) raises. */
export async function openStageParts(scope: TestScope, folder: string): Promise<StageParts> {
  const { capability, openVerifier, token } = await openCapability();
  const [policy, audit, forward] = await Promise.all([
    policyStages(capability),
    auditStages(folder, capability),
    forwardStages(scope),
  ]);
  const parts = [
    { stages: readingStages() },
    { stages: identityStages(token, capability, openVerifier) },
    { stages: intentStages(capability) },
    policy,
    budgetStages(capability),
    { stages: pinStages() },
    audit,
    forward,
  ];
  return {
    stages: parts.flatMap(({ stages }) => stages),
    async close() {
      for (const part of parts) if ("close" in part) await part.close();
    },
  };
}

function readingStages(): readonly Stage[] {
  const bodies = ([400, 4_096, 65_536] as const).map((bytes) => {
    const body = Buffer.from(callBody(1, { ...PLAIN, bytes }));
    return {
      title: `read the message, ${(bytes / 1_024).toFixed(1)} KB`,
      run: () => readMessage(body, LIMITS),
    };
  });
  const answer = Buffer.from(answerBody("1"));
  return [
    ...bodies.map((each) => ({ stage: "parse and scan", ...each })),
    {
      stage: "parse and scan",
      title: "read the answer, 1 KB",
      run: () => readServerMessage(answer, LIMITS),
    },
  ];
}

async function openCapability() {
  const { kid, publicKey, secretKey } = await generateKeyPair();
  const keys = createKeySet([{ kid, public_key: publicKey, use: "capability", status: "active" }]);
  const key = await importSigningKey(secretKey);
  const request = { tenant: TENANT, subject: "agent-of-the-bench", ttlSeconds: 86_400, caveats: CAVEATS };
  const { token } = await mint(request, { key, clock: systemClock, newId: randomId });
  const openVerifier = () => createVerifier({ keys: () => keys, tenant: TENANT, clock: systemClock });
  const verified = await openVerifier().verify(token);
  if (!verified.ok) throw new Error(verified.reason.detail);
  return { token, openVerifier, capability: verified.capability };
}

function identityStages(
  token: string,
  capability: Capability,
  openVerifier: () => ReturnType<typeof createVerifier>,
): readonly Stage[] {
  const warm = openVerifier();
  const call = {
    tool: TOOL,
    args: ARGS,
    upstream: HOLDER.upstream,
    nowMs: Date.now(),
    mode: "call",
  } as const;
  return [
    { stage: "token", title: "verify a known token", run: () => warm.verify(token) },
    { stage: "token", title: "verify a new token", run: () => openVerifier().verify(token) },
    {
      stage: "token",
      title: "check 3 caveats",
      run: () => checkCapability(capability, call, { isRevoked: () => false }),
    },
  ];
}

function intentStages({ agent }: Capability): readonly Stage[] {
  const resolver = createIntentResolver({
    extractor: createRuleExtractor(),
    clock: systemClock,
    ttlMs: 3_600_000,
    entriesMax: 100,
  });
  const resolve = async () => {
    const resolved = await resolver.resolve({ tenant: TENANT, agent, prompt: INTENT_PROMPT });
    return resolved.ok ? matchIntent(resolved.intent, TOOL, { confidenceMin: 0.5 }) : resolved.reason;
  };
  return [{ stage: "intent", title: "match a known intent", run: resolve }];
}

function budgetStages(capability: Capability): StageParts {
  const memory = createMemoryLedger();
  const leased = createLeaseLedger({
    authority: {
      lease: (wish) => memory.lease(TENANT, { ...wish, holder: "bench" }),
      giveBack: (rest) => memory.giveBack(TENANT, { ...rest, holder: "bench" }),
    },
  });
  const run = () => charge(leased, capability);
  return {
    stages: [{ stage: "budget", title: "reserve and settle out of a lease", run }],
    close: () => leased.drain(),
  };
}

async function charge(ledger: Ledger, capability: Capability): Promise<void> {
  const charges = chargesFor(capability, { nowMs: Date.now(), costMicros: 1000 });
  if (!charges.ok) throw new Error(charges.reason.detail);
  const reserved = await ledger.reserve(TENANT, charges.charges);
  if (!reserved.ok) throw new Error(reserved.reason.detail);
  await ledger.settle(reserved.reservation);
}

function pinStages(): readonly Stage[] {
  const table = createPinTable([HOLDER.upstream]);
  table.take("trust_first", []);
  for (const tool of TOOLS) table.see(HOLDER.upstream, tool, { digest: SALT.repeat(2), suspicious: false });
  return [
    { stage: "pins", title: "look up a pinned tool", run: () => table.refusalOf(HOLDER.upstream, TOOL) },
    { stage: "audit", title: "digest the arguments", run: () => argumentsDigest(SALT, ARGS) },
  ];
}
