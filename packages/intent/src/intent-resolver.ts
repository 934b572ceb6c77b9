// From a declared prompt to an intent. One extraction per prompt at a time, its result kept for a while and per tenant,
// so that no tenant sees, evicts or times another's. Whatever goes wrong is a denial; a failure is remembered only
// briefly, to spare an extractor in trouble.
import { hash } from "node:crypto";
import { INTENT_PROMPT_CHARS_MAX, type Intent, type Reason, reason } from "@postern/contracts";
import { type Clock, type Fault, toFault } from "@postern/fault";
import type { Extractor } from "./extractor.ts";
import { createIntentCache, type IntentCache } from "./intent-cache.ts";

export interface DeclaredIntent {
  readonly tenant: string;
  readonly agent: string;
  /** What the user asked for, as the agent declares it; undefined = nothing was declared. */
  readonly prompt: string | undefined;
}

export type Resolved =
  | { readonly ok: true; readonly intent: Intent }
  | { readonly ok: false; readonly reason: Reason };

export interface IntentResolver {
  /** Never rejects. Refusals: intent.missing, intent.malformed, intent.unavailable. */
  resolve(declared: DeclaredIntent): Promise<Resolved>;
}

export interface IntentResolverOptions {
  readonly extractor: Extractor;
  readonly clock: Clock;
  /** How long an intent is kept. */
  readonly ttlMs: number;
  /** Intents to keep for each tenant. */
  readonly entriesMax: number;
  /** How long a failure is kept. */
  readonly failureTtlMs?: number;
  /** Extractions at one time; beyond it new prompts are refused, known ones are not. */
  readonly inFlightMax?: number;
  /** Hears of each extraction that failed. */
  readonly onFault?: (fault: Fault) => void;
}

const AGENT_CHARS_MAX = 200;

export function createIntentResolver(options: IntentResolverOptions): IntentResolver {
  const { extractor, clock, failureTtlMs = 1000, inFlightMax = 64, onFault = () => {} } = options;
  // One cache per tenant: tenants come from verified tokens, so nobody can make up more of them.
  const caches = new Map<string, IntentCache<Resolved>>();
  const inFlight = new Map<string, Promise<Resolved>>();

  async function extract(prompt: string, agent: string): Promise<Resolved> {
    try {
      return {
        ok: true,
        intent: await extractor.extract({ prompt, agent_id: agent.slice(0, AGENT_CHARS_MAX) }),
      };
    } catch (caught) {
      onFault(toFault(caught));
      return { ok: false, reason: reason("intent.unavailable") };
    }
  }

  return {
    async resolve({ tenant, agent, prompt }) {
      if (prompt === undefined) return { ok: false, reason: reason("intent.missing") };
      if (!isPrompt(prompt)) return { ok: false, reason: reason("intent.malformed") };
      const cache = caches.get(tenant) ?? createIntentCache(options.entriesMax);
      caches.set(tenant, cache);
      const key = hash("sha256", JSON.stringify([tenant, agent, prompt]), "base64url");
      const known = cache.get(key, clock.monotonicMs()) ?? inFlight.get(key);
      if (known !== undefined) return known;
      if (inFlight.size >= inFlightMax) return { ok: false, reason: reason("intent.unavailable") };
      const flight = extract(prompt, agent);
      inFlight.set(key, flight);
      const resolved = await flight;
      inFlight.delete(key);
      cache.put(key, resolved, clock.monotonicMs() + (resolved.ok ? options.ttlMs : failureTtlMs));
      return resolved;
    },
  };
}

/** Text with something in it: no lone surrogates, no control characters but tab and line ends. */
function isPrompt(prompt: string): boolean {
  if (prompt.length > INTENT_PROMPT_CHARS_MAX || prompt.trim() === "") return false;
  return prompt.isWellFormed() && !/[^\P{Cc}\t\n\r]/u.test(prompt);
}
