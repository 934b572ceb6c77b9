// The life of a signing key. It is published before it signs and trusted for a while after it has stopped, so that rotation costs no call.
import type { PublishedKey } from "@postern/contracts";
import { Fault } from "@postern/fault";

export type KeyUse = PublishedKey["use"];
export const KEY_USES = ["root", "capability", "bundle", "state", "log"] as const satisfies readonly KeyUse[];

export type KeyStatus = "prepared" | PublishedKey["status"];
export const KEY_STEPS = ["publish", "activate", "retire"] as const;
export type KeyStep = (typeof KEY_STEPS)[number];

export interface KeyState {
  readonly tenant: string;
  readonly kid: string;
  readonly use: KeyUse;
  readonly status: KeyStatus;
  readonly publicKey: string;
  readonly createdAt: Date;
  readonly publishedAt: Date | null;
  readonly activatedAt: Date | null;
  readonly notAfter: Date | null;
}

/** status × step → the status that follows, or why the step cannot be taken. */
export const LIFECYCLE: Readonly<Record<KeyStatus, Readonly<Record<KeyStep, KeyStatus | { no: string }>>>> = {
  prepared: {
    publish: "published",
    activate: { no: "publish it first, so that verifiers know it before it signs" },
    retire: { no: "it was never published" },
  },
  published: {
    publish: { no: "it is published already" },
    activate: "active",
    retire: "retired",
  },
  active: {
    publish: { no: "it is published already" },
    activate: { no: "it is active already" },
    retire: { no: "it signs; activate another key of the same use first" },
  },
  retired: {
    publish: { no: "a retired key does not come back" },
    activate: { no: "a retired key does not come back" },
    retire: { no: "it is retired already" },
  },
};

/** How long a key must have been published before it may sign: longer than connected sidecars take to hear of it. */
const PUBLISHED_BEFORE_ACTIVE_MS = 5_000;

/**
 * The status after a step.
 * @throws Fault conflict "keys.step", or "keys.too_early" when verifiers may not know the key yet.
 */
export function statusAfter(key: KeyState, step: KeyStep, nowMs: number): KeyStatus {
  const next = LIFECYCLE[key.status][step];
  if (typeof next !== "string") {
    throw new Fault("conflict", "keys.step", `The key cannot be ${pastOf[step]}: ${next.no}.`);
  }
  const knownForMs = nowMs - (key.publishedAt?.getTime() ?? nowMs);
  if (next === "active" && knownForMs < PUBLISHED_BEFORE_ACTIVE_MS) {
    const waitMs = PUBLISHED_BEFORE_ACTIVE_MS - knownForMs;
    throw new Fault(
      "conflict",
      "keys.too_early",
      `Verifiers may not know this key yet: activate it in ${Math.ceil(waitMs / 1000)} s.`,
    );
  }
  return next;
}

const pastOf = { publish: "published", activate: "activated", retire: "retired" } as const;

/** What verifiers are told about a key; undefined = nothing yet. */
export function publishedKey(key: KeyState): PublishedKey | undefined {
  if (key.status === "prepared") return undefined;
  return {
    kid: key.kid,
    public_key: key.publicKey,
    use: key.use,
    status: key.status,
    ...(key.notAfter === null ? {} : { not_after: key.notAfter.toISOString() }),
  };
}
