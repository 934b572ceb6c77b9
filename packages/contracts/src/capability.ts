// Claims of a capability token (architecture §6). Strict everywhere: an unknown field or caveat is a refusal.
import { z } from "zod";
import { AgentId, Identifier, PublicKeyText, TenantId, Timestamp } from "./ids.ts";

/** A tool name or glob: `*` matches any run of characters, `?` one; everything else is literal and case-sensitive. */
export const ToolGlob = z.string().min(1).max(256);
const globs = z.array(ToolGlob).max(256);
const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const scalar = z.union([z.string().max(1024), z.number(), z.boolean(), z.null()]);

/** Whether it is one is asked when a token is issued, and when a call is judged. */
const pointer = z.string().max(512).meta({ pattern: "^(?:/(?:[^/~]|~[01])*)*$" });

/** One condition on the call's arguments. `path` is an RFC 6901 JSON Pointer into `arguments`; a missing value never satisfies. */
export const ArgumentPredicate = z.discriminatedUnion("op", [
  z.strictObject({ op: z.enum(["eq", "ne"]), path: pointer, value: scalar }),
  z.strictObject({ op: z.enum(["lt", "lte", "gt", "gte"]), path: pointer, value: z.number() }),
  z.strictObject({ op: z.literal("in"), path: pointer, values: z.array(scalar).max(256) }),
  z.strictObject({ op: z.literal("glob"), path: pointer, value: z.string().max(1024) }),
]);
export type ArgumentPredicate = z.infer<typeof ArgumentPredicate>;

/**
 * What narrows a token. Every caveat of every hop must hold.
 * An empty list in an allow caveat allows nothing.
 */
export const Caveat = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("expiry"), at: Timestamp }),
  z.strictObject({ type: z.literal("tool_allow"), tools: globs }),
  z.strictObject({ type: z.literal("tool_deny"), tools: globs }),
  z.strictObject({ type: z.literal("agent_lock"), agent: AgentId }),
  z.strictObject({ type: z.literal("max_calls"), limit: count }),
  /** Calls in each UTC clock minute. */
  z.strictObject({ type: z.literal("rate"), per_minute: count }),
  /** Total cost in millionths of the tenant's cost unit; the cost of a call is what the policy says it is. */
  z.strictObject({ type: z.literal("max_cost"), micros: count }),
  /** Applies to tools matching `tool` (default: every tool). All predicates must hold. */
  z.strictObject({
    type: z.literal("arguments"),
    tool: ToolGlob.optional(),
    predicates: z.array(ArgumentPredicate).min(1).max(64),
  }),
  z.strictObject({ type: z.literal("upstreams"), names: z.array(z.string().min(1).max(128)).max(64) }),
  /** When the holder last proved a fresh factor; the latest counts. Narrows nothing, so only the root block may hold it. */
  z.strictObject({ type: z.literal("step_up"), at: Timestamp }),
  /** Agents that may be called through a tool named `agent:<id>`. */
  z.strictObject({ type: z.literal("callee_allow"), agents: globs }),
]);
export type Caveat = z.infer<typeof Caveat>;
export type CaveatType = Caveat["type"];

/** At most this many caveats in one token, all hops together. */
export const CAVEATS_MAX = 64;
/** At most this many hops (the root block counts as one). */
export const HOPS_MAX = 16;
/** A token longer than this is refused before anything else is looked at. */
export const TOKEN_BYTES_MAX = 16_384;

/** Payload of the first block, signed by the control plane. */
export const RootClaims = z.strictObject({
  jti: Identifier,
  root_jti: Identifier,
  parent_jti: Identifier.optional(),
  sub: AgentId,
  iss: z.string().min(1).max(200),
  tenant: TenantId,
  iat: Timestamp,
  nbf: Timestamp.optional(),
  exp: Timestamp.optional(),
  caveats: z.array(Caveat).max(CAVEATS_MAX),
  /** Public half of the one-time key that may sign the next block; absent = the token cannot be attenuated. */
  next: PublicKeyText.optional(),
});
export type RootClaims = z.infer<typeof RootClaims>;

/** Payload of every further block, signed with the one-time key named by the block before it. */
export const HopClaims = z.strictObject({
  jti: Identifier,
  parent_jti: Identifier,
  iat: Timestamp,
  caveats: z.array(Caveat).max(CAVEATS_MAX),
  next: PublicKeyText.optional(),
});
export type HopClaims = z.infer<typeof HopClaims>;

/** One hop of a verified token, root first. A budget caveat is charged to the `jti` of the hop that carries it. */
export interface Hop {
  readonly jti: string;
  readonly caveats: readonly Caveat[];
}

/** A token whose every signature was verified; whether it covers a call is still to be judged. */
export interface Capability {
  readonly tenant: TenantId;
  readonly agent: string;
  readonly issuer: string;
  /** Id of the last hop: what audit events call `capability_token_id`. */
  readonly jti: string;
  readonly rootJti: string;
  readonly parentJti: string | undefined;
  /** Token from which the control plane minted this one, if any: revoking that one revokes this one. */
  readonly mintedFromJti?: string;
  readonly kid: string;
  readonly issuedAtMs: number;
  readonly notBeforeMs: number | undefined;
  /** Earliest of `exp` and every expiry caveat; undefined = does not expire. */
  readonly expiresAtMs: number | undefined;
  /** Latest step-up of the chain. */
  readonly stepUpAtMs: number | undefined;
  readonly hops: readonly Hop[];
  readonly caveatCount: number;
}
