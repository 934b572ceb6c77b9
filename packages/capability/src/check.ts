// Whether a verified token covers one message, judged anew each time: revocation, then time, then the caveats that speak of every message,
// then, for a call, those that speak of tools. Pure and cheap, so that listing tools and calling them ask the same function.
import { type Capability, type Reason, reason } from "@postern/contracts";
import {
  type CapabilityCall,
  type CapabilityMessage,
  type MessageRule,
  messageRule,
  type ToolRule,
  toolRule,
} from "./caveat.ts";

/**
 * How far the issuer's clock may run ahead of ours: it softens the beginning of a token's life, never its end.
 * A token is dead from the very millisecond of its expiry.
 */
export const CLOCK_SKEW_MS = 30_000;

export interface Revocations {
  isRevoked(jti: string): boolean;
}

/** The first reason to refuse `call`, or undefined when the token covers it. */
export function checkCapability(
  capability: Capability,
  call: CapabilityCall,
  revocations: Revocations,
): Reason | undefined {
  const rules = rulesOf(capability);
  return judgeStanding(rules, call, revocations) ?? firstRefusal(rules.ofTools, call);
}

/**
 * The first reason to refuse any message, for those that are no tool call: the token is revoked or out of time, or a caveat that speaks of
 * every message does not hold.
 */
export function checkStanding(
  capability: Capability,
  message: CapabilityMessage,
  revocations: Revocations,
): Reason | undefined {
  return judgeStanding(rulesOf(capability), message, revocations);
}

/** What a token says, ready to be asked of many messages. A verified token never changes. */
interface Rules {
  /** Every token id whose revocation takes this token with it. */
  readonly lineage: readonly string[];
  /** Instants, in milliseconds since the Unix epoch. */
  readonly beginsMs: number;
  readonly endsMs: number;
  readonly ofMessages: readonly MessageRule[];
  readonly ofTools: readonly ToolRule[];
}

/** Forgotten with their tokens. */
const made = new WeakMap<Capability, Rules>();

function rulesOf(capability: Capability): Rules {
  const known = made.get(capability);
  if (known !== undefined) return known;
  const { rootJti, mintedFromJti, parentJti, hops, issuedAtMs, notBeforeMs = issuedAtMs } = capability;
  const ancestors = [rootJti, mintedFromJti, parentJti].filter((jti) => jti !== undefined);
  const caveats = hops.flatMap((hop) => hop.caveats);
  const rules = {
    lineage: [...new Set([...ancestors, ...hops.map((hop) => hop.jti)])],
    beginsMs: Math.max(issuedAtMs, notBeforeMs),
    endsMs: capability.expiresAtMs ?? Number.POSITIVE_INFINITY,
    ofMessages: present(caveats.map((caveat) => messageRule(caveat, capability.agent))),
    ofTools: present(caveats.map(toolRule)),
  };
  made.set(capability, rules);
  return rules;
}

function judgeStanding(
  rules: Rules,
  message: CapabilityMessage,
  revocations: Revocations,
): Reason | undefined {
  for (const jti of rules.lineage) if (revocations.isRevoked(jti)) return reason("capability.revoked");
  if (message.nowMs >= rules.endsMs) return reason("capability.expired");
  if (message.nowMs + CLOCK_SKEW_MS < rules.beginsMs) return reason("capability.not_yet_valid");
  return firstRefusal(rules.ofMessages, message);
}

function firstRefusal<Message>(
  rules: readonly ((message: Message) => Reason | undefined)[],
  message: Message,
): Reason | undefined {
  for (const rule of rules) {
    const refusal = rule(message);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function present<Rule>(rules: readonly (Rule | undefined)[]): readonly Rule[] {
  return rules.filter((rule) => rule !== undefined);
}
