// From what an administrator asks for to the caveats of the token, in one fixed order.
import type { Caveat } from "@postern/contracts";

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
}

export interface Minted {
  readonly tenant: string;
  readonly subject: string;
  readonly token: string;
  readonly jti: string;
  readonly expiresAt: string | undefined;
  /** One-time secret with which the holder can append a block; stored nowhere. */
  readonly attenuationKey: string | undefined;
}

export interface Revocation {
  readonly tenant: string;
  readonly jti: string;
  readonly version: number;
  readonly revokedAt: Date;
  readonly reason: string;
  readonly revokedBy: string;
}

/** agent lock, expiry, tools, calls, step-up, then what was asked for besides. */
export function caveatsFor(request: MintRequest, nowMs: number): readonly Caveat[] {
  const { subject, ttlSeconds, tools, maxCalls, stepUp, caveats } = request;
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

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
