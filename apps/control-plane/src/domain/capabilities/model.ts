// From what an administrator asks for to the caveats of the token, in one fixed order.
import type { Caveat } from "@postern/contracts";
import { Fault } from "@postern/fault";

export interface MintRequest {
  readonly tenant: string;
  readonly subject: string;
  readonly issuer: string;
  /** Absent = the token does not expire. */
  readonly ttlSeconds: number | undefined;
  readonly tools: readonly string[] | undefined;
  readonly maxCalls: number | undefined;
  readonly stepUp: boolean;
  readonly caveats: readonly Caveat[];
  readonly attenuable: boolean;
  /** Whether the key of the token's memory is wanted too. */
  readonly memoryKey?: boolean;
}

export interface Minted {
  readonly tenant: string;
  readonly subject: string;
  readonly token: string;
  readonly jti: string;
  readonly expiresAt: string | undefined;
  /** One-time secret with which the holder can append a block; stored nowhere. */
  readonly attenuationKey: string | undefined;
  /** With which the holder signs what it remembers. */
  readonly memoryKey?: Uint8Array;
}

/** What is kept of a token. */
export interface IssuedToken {
  readonly issuer: string;
  readonly issuedAt: Date;
  readonly expiresAt: Date | null;
  readonly caveats: readonly Caveat[];
}

export interface Revocation {
  readonly tenant: string;
  readonly jti: string;
  readonly version: number;
  readonly revokedAt: Date;
  readonly reason: string;
  readonly revokedBy: string;
}

/**
 * agent lock, expiry, tools, calls, step-up, then what was asked for besides.
 * @throws Fault invalid "capability.step_up" for a factor of times to come, which would be fresh for ever.
 */
export function caveatsFor(request: MintRequest, nowMs: number): readonly Caveat[] {
  const { subject, ttlSeconds, tools, maxCalls, stepUp, caveats } = request;
  if (caveats.some((caveat) => caveat.type === "step_up" && Date.parse(caveat.at) > nowMs)) {
    throw new Fault("invalid", "capability.step_up", "caveats: a step_up must not lie in the future.");
  }
  const all: (Caveat | undefined)[] = [
    { type: "agent_lock", agent: subject },
    ttlSeconds === undefined ? undefined : { type: "expiry", at: instant(nowMs + ttlSeconds * 1000) },
    tools === undefined ? undefined : { type: "tool_allow", tools: [...tools] },
    maxCalls === undefined ? undefined : { type: "max_calls", limit: maxCalls },
    stepUp ? { type: "step_up", at: instant(nowMs) } : undefined,
    ...caveats,
  ];
  return all.filter((caveat) => caveat !== undefined);
}

/** The caveats with the factor of this moment in place of any before it. */
export function withFreshFactor(caveats: readonly Caveat[], nowMs: number): readonly Caveat[] {
  return [...caveats.filter(({ type }) => type !== "step_up"), { type: "step_up", at: instant(nowMs) }];
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
