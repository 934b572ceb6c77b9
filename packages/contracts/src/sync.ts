// Control state that reaches the sidecars: each message is a sealed document (purpose "state"), sent on GET /v1/sidecar/sync.
import { z } from "zod";
import { Identifier, KeyId, PublicKeyText, TenantId, Timestamp } from "./ids.ts";
import { PolicyPointer } from "./policy.ts";
import { PINS_PER_STATE, PinMode, ToolPin } from "./tools.ts";

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
  /** Proves freshness: what the sidecar holds is current as of `issued_at` if the versions match. */
  z.strictObject({
    kind: z.literal("heartbeat"),
    ...head,
    versions: z.strictObject({
      keys: z.int().min(0),
      policy: z.int().min(0),
      revocations: z.int().min(0),
      pins: z.int().min(0),
    }),
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
