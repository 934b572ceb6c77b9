// Control state that reaches the sidecars: each message is a sealed document (purpose "state"), sent on GET /v1/sidecar/sync.
import { z } from "zod";
import { ApprovalTicket, DECISIONS_PER_STATE } from "./approvals.ts";
import { HALTS_MAX, Halt } from "./halts.ts";
import { Identifier, KeyId, PublicKeyText, TenantId, Timestamp } from "./ids.ts";
import { PolicyPointer, PolicyRollout } from "./policy.ts";
import { PINS_PER_STATE, PinMode, ToolPin } from "./tools.ts";
import { RegisteredUpstream, UPSTREAMS_MAX } from "./upstreams.ts";

/** What a key may sign. A key of one use is never accepted for another. */
export const KeyUse = z.enum(["root", "capability", "bundle", "state", "log"]);
export type KeyUse = z.infer<typeof KeyUse>;

/** prepared: made, not told to anyone · published: verifiers accept it · active: signs · retired: accepted until `not_after`, signs nothing. */
export const KeyStatus = z.enum(["published", "active", "retired"]);

export const PublishedKey = z.strictObject({
  kid: KeyId,
  public_key: PublicKeyText,
  use: KeyUse,
  status: KeyStatus,
  not_after: Timestamp.optional(),
});
export type PublishedKey = z.infer<typeof PublishedKey>;

/**
 * What is told of whole, each time it changes: keys, policy, halts, upstreams. What is told of in parts, each after what the reader has heard:
 * revocations, pins, approvals. The letter stands for the noun in a cursor.
 */
export const STATE_NOUNS = {
  keys: "k",
  policy: "p",
  halts: "h",
  upstreams: "u",
  revocations: "r",
  pins: "t",
  approvals: "a",
} as const;
export type StateNoun = keyof typeof STATE_NOUNS;
const NOUNS = Object.keys(STATE_NOUNS) as StateNoun[];

/** How far the state of each noun has come. */
export const StateVersions = z.strictObject({
  keys: z.int().min(0),
  policy: z.int().min(0),
  halts: z.int().min(0),
  upstreams: z.int().min(0),
  revocations: z.int().min(0),
  pins: z.int().min(0),
  approvals: z.int().min(0),
});
export type StateVersions = Readonly<z.infer<typeof StateVersions>>;

export const NO_VERSIONS: StateVersions = {
  ...{ keys: 0, policy: 0, halts: 0, upstreams: 0 },
  ...{ revocations: 0, pins: 0, approvals: 0 },
};

/** Id of an event of the stream: what a reader holds after it. `k<keys>.p<policy>.h<halts>.u<upstreams>.r<revocations>.t<pins>.a<approvals>` */
export function stateCursor(versions: StateVersions): string {
  return NOUNS.map((noun) => `${STATE_NOUNS[noun]}${versions[noun]}`).join(".");
}

const CURSOR = new RegExp(`^${NOUNS.map((noun) => `${STATE_NOUNS[noun]}(\\d{1,15})`).join("\\.")}$`);

/** The versions of a cursor; undefined when it is not one. */
export function readStateCursor(text: string): StateVersions | undefined {
  const numbers = CURSOR.exec(text)?.slice(1).map(Number);
  return numbers === undefined
    ? undefined
    : StateVersions.parse(Object.fromEntries(NOUNS.map((noun, at) => [noun, numbers[at]])));
}

const head = { tenant: TenantId, issued_at: Timestamp };

export const SidecarState = z.discriminatedUnion("kind", [
  /** Signed by the pinned root key; everything else is signed by the active "state" key that it names. */
  z.strictObject({
    kind: z.literal("keys"),
    ...head,
    version: z.int().min(1),
    keys: z.array(PublishedKey).max(64),
  }),
  /** `active` null = no policy: every call is denied. */
  z.strictObject({
    kind: z.literal("policy"),
    ...head,
    version: z.int().min(0),
    active: PolicyPointer.nullable(),
    /** A candidate that some sidecars try beside or instead of what is in force. */
    rollout: PolicyRollout.nullable(),
  }),
  /** Every kill switch that is on. */
  z.strictObject({
    kind: z.literal("halts"),
    ...head,
    version: z.int().min(0),
    halts: z.array(Halt).max(HALTS_MAX),
  }),
  /** Every tool server that the tenant registered. */
  z.strictObject({
    kind: z.literal("upstreams"),
    ...head,
    version: z.int().min(0),
    upstreams: z.array(RegisteredUpstream).max(UPSTREAMS_MAX),
  }),
  /** Revocations `after` (exclusive) … `version` (inclusive) of the tenant's list; `after: 0` starts afresh. */
  z.strictObject({
    kind: z.literal("revocations"),
    ...head,
    after: z.int().min(0),
    version: z.int().min(0),
    jtis: z.array(Identifier).max(10_000),
  }),
  /**
   * What changed among the tenant's pinned tools `after` (exclusive) … `version` (inclusive), each tool as it stands now; `after: 0` tells of
   * all. A tool is never taken off the list.
   */
  z.strictObject({
    kind: z.literal("pins"),
    ...head,
    after: z.int().min(0),
    version: z.int().min(0),
    mode: PinMode,
    pins: z.array(ToolPin).max(PINS_PER_STATE),
  }),
  /**
   * Parked calls that were decided `after` (exclusive) … `version` (inclusive), as far as that still matters to anybody; `after: 0` tells of
   * all that does.
   */
  z.strictObject({
    kind: z.literal("approvals"),
    ...head,
    after: z.int().min(0),
    version: z.int().min(0),
    decided: z.array(ApprovalTicket).max(DECISIONS_PER_STATE),
  }),
  /** Proves freshness: what the sidecar holds is current as of `issued_at` if the versions match. */
  z.strictObject({
    kind: z.literal("heartbeat"),
    ...head,
    versions: StateVersions,
  }),
]);
export type SidecarState = z.infer<typeof SidecarState>;

/** POST /v1/sidecar/register, authenticated by the sidecar credential: a new boot gets a new, higher epoch. */
export const RegisterRequest = z.strictObject({
  version: z.string().max(64),
  hostname: z.string().max(255).optional(),
});
export const RegisterReply = z.strictObject({
  sidecar_id: Identifier,
  tenant: TenantId,
  epoch: z.int().min(1),
});
export type RegisterReply = z.infer<typeof RegisterReply>;

/** POST /v1/sidecar/leases: a slice of a budget account, to be spent here before `ttl_ms` has passed on the sidecar's own monotonic clock. */
export const LeaseRequest = z.strictObject({
  epoch: z.int().min(1),
  account: z.string().min(1).max(256),
  limit: z.int().min(0),
  want: z.int().min(1),
});
export const LeaseReply = z.strictObject({
  lease_id: Identifier,
  granted: z.int().min(0),
  ttl_ms: z.int().min(0),
  /** What the account had left after this grant. */
  remaining: z.int().min(0),
});
export type LeaseReply = z.infer<typeof LeaseReply>;

/** POST /v1/sidecar/leases/return: unspent units go back; what is not returned counts as spent. Idempotent per lease. */
export const LeaseReturn = z.strictObject({ lease_id: Identifier, unspent: z.int().min(0) });
