import assert from "node:assert/strict";
import { test } from "node:test";
import { type ExtractRequest, INTENT_PROMPT_CHARS_MAX, type Intent } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { fixedClock } from "@postern/testkit";
import type { Extractor } from "./extractor.ts";
import { createIntentResolver, type IntentResolverOptions, type Resolved } from "./intent-resolver.ts";
import { matchIntent } from "./match-intent.ts";
import { createRuleExtractor } from "./rule-extractor.ts";

const TTL_MS = 60_000;
const declared = { tenant: "acme", agent: "bot", prompt: "read" };

interface MemoryExtractor extends Extractor {
  readonly requests: readonly ExtractRequest[];
  /** While set, every extraction fails with it. */
  trouble: unknown;
  /** While set, every extraction waits for it. */
  gate: Promise<void> | undefined;
}

function createMemoryExtractor(): MemoryExtractor {
  const requests: ExtractRequest[] = [];
  return {
    requests,
    trouble: undefined,
    gate: undefined,
    async extract(request) {
      requests.push(request);
      await this.gate;
      if (this.trouble !== undefined) throw this.trouble;
      return { summary: request.prompt, allowed_tools: [request.prompt], forbidden_tools: [], confidence: 1 };
    },
  };
}

function setUp(change: Partial<IntentResolverOptions> = {}) {
  const extractor = createMemoryExtractor();
  const clock = fixedClock();
  const resolver = createIntentResolver({ extractor, clock, ttlMs: TTL_MS, entriesMax: 2, ...change });
  return { extractor, clock, resolver };
}

function outcome(resolved: Resolved): string {
  return resolved.ok ? "ok" : resolved.reason.code;
}

test("a prompt is extracted once and kept until its time is up", async () => {
  const { extractor, clock, resolver } = setUp();
  const first = await resolver.resolve(declared);
  const intent: Intent = { summary: "read", allowed_tools: ["read"], forbidden_tools: [], confidence: 1 };
  assert.deepEqual(first, { ok: true, intent });
  clock.advance(TTL_MS - 1);
  assert.deepEqual(await resolver.resolve(declared), first);
  assert.deepEqual(extractor.requests, [{ prompt: "read", agent_id: "bot" }]);
  clock.advance(1);
  await resolver.resolve(declared);
  assert.equal(extractor.requests.length, 2);
});

test("setting the wall clock back does not lengthen the life of an intent", async () => {
  const { extractor, clock, resolver } = setUp();
  await resolver.resolve(declared);
  clock.advance(TTL_MS);
  clock.stepWall(-10 * TTL_MS);
  await resolver.resolve(declared);
  assert.equal(extractor.requests.length, 2);
});

test("tenants and agents do not share intents, and no tenant evicts another's", async () => {
  const { extractor, resolver } = setUp();
  await resolver.resolve(declared);
  await resolver.resolve({ ...declared, tenant: "rival" });
  await resolver.resolve({ ...declared, agent: "other" });
  assert.equal(extractor.requests.length, 3);
  for (const prompt of ["a", "b", "c"]) await resolver.resolve({ ...declared, tenant: "rival", prompt });
  await resolver.resolve(declared);
  assert.equal(extractor.requests.length, 6);
});

test("the intents used last are kept, and no more than there may be", async () => {
  const { extractor, resolver } = setUp();
  for (const prompt of ["a", "b", "a", "c", "a"]) await resolver.resolve({ ...declared, prompt });
  assert.equal(extractor.requests.length, 3);
  await resolver.resolve({ ...declared, prompt: "b" });
  assert.equal(extractor.requests.length, 4);
});

test("many calls with one prompt make one extraction", async () => {
  const { extractor, resolver } = setUp();
  const results = await Promise.all(Array.from({ length: 50 }, () => resolver.resolve(declared)));
  assert.ok(results.every((each) => each.ok));
  assert.equal(extractor.requests.length, 1);
});

test("a failing extractor denies, is heard of, and is asked again after a second", async () => {
  const heard: string[] = [];
  const { extractor, clock, resolver } = setUp({ onFault: (fault) => heard.push(fault.code) });
  extractor.trouble = new Fault("unavailable", "intent.timeout", "late");
  assert.equal(outcome(await resolver.resolve(declared)), "intent.unavailable");
  clock.advance(999);
  assert.equal(outcome(await resolver.resolve(declared)), "intent.unavailable");
  assert.equal(extractor.requests.length, 1);
  clock.advance(1);
  extractor.trouble = undefined;
  assert.equal(outcome(await resolver.resolve(declared)), "ok");
  assert.deepEqual(heard, ["intent.timeout"]);
});

test("an extractor that throws something that is no fault denies as well", async () => {
  const { extractor, resolver } = setUp();
  extractor.trouble = new TypeError("boom");
  assert.equal(outcome(await resolver.resolve(declared)), "intent.unavailable");
});

test("a flood of new prompts is capped, while known prompts pass", async () => {
  const { extractor, resolver } = setUp({ inFlightMax: 1 });
  await resolver.resolve(declared);
  const gate = Promise.withResolvers<void>();
  extractor.gate = gate.promise;
  const slow = resolver.resolve({ ...declared, prompt: "slow" });
  assert.equal(outcome(await resolver.resolve({ ...declared, prompt: "more" })), "intent.unavailable");
  assert.equal(outcome(await resolver.resolve(declared)), "ok");
  gate.resolve();
  assert.equal(outcome(await slow), "ok");
  assert.equal(outcome(await resolver.resolve({ ...declared, prompt: "more" })), "ok");
});

const prompts: readonly [name: string, prompt: string | undefined, want: string][] = [
  ["no prompt", undefined, "intent.missing"],
  ["an empty prompt", "", "intent.malformed"],
  ["white space", " \n\t ", "intent.malformed"],
  ["the longest prompt", "x".repeat(INTENT_PROMPT_CHARS_MAX), "ok"],
  ["a longer prompt", "x".repeat(INTENT_PROMPT_CHARS_MAX + 1), "intent.malformed"],
  ["several lines", "read\r\n\tthe invoice", "ok"],
  ["any script", "לקרוא 読む 😀", "ok"],
  ["a NUL", "read\u0000", "intent.malformed"],
  ["an escape sequence", "read\u001b[2J", "intent.malformed"],
  ["a lone surrogate", "read\ud800", "intent.malformed"],
];
for (const [name, prompt, want] of prompts) {
  test(`${name} is answered with ${want}`, async () => {
    const { extractor, resolver } = setUp();
    assert.equal(outcome(await resolver.resolve({ ...declared, prompt })), want);
    assert.equal(extractor.requests.length, want === "ok" ? 1 : 0);
  });
}

test("a prompt that no rule understands allows no tool at all", async () => {
  const { resolver } = setUp({ extractor: createRuleExtractor() });
  const resolved = await resolver.resolve({ ...declared, prompt: "Sing me a song" });
  assert.ok(resolved.ok);
  assert.equal(matchIntent(resolved.intent, "echo", { confidenceMin: 0 })?.code, "intent.not_allowed");
  assert.equal(matchIntent(resolved.intent, "echo", { confidenceMin: 0.5 })?.code, "intent.low_confidence");
});
