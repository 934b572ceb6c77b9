// A webhook: an address outside that a tenant wants told of what happens, in the form of Standard Webhooks. Each thing to tell is one delivery to
// one webhook, tried until it is taken or three days have passed; its id stays the same however often it is sent.
import { isPlainHost, WEB_ADDRESS } from "@postern/contracts";
import { z } from "zod";
import type { Notice } from "../unit.ts";

/** What can be subscribed to: all that is ever noticed. */
const EVENTS = {
  "approval.pending": "approval.pending",
  "approval.decided": "approval.decided",
  "approval.expired": "approval.expired",
  "halt.engaged": "halt.engaged",
  "halt.released": "halt.released",
  "policy.promoted": "policy.promoted",
  "rollout.stopped": "rollout.stopped",
} as const satisfies { readonly [T in Notice["type"]]: T };

export const WebhookEvent = z.enum(EVENTS);
export type WebhookEvent = z.infer<typeof WebhookEvent>;

/** An address as it may be stored: what a URL parser would quietly mend is refused, since others would mend it otherwise. */
export const WebhookUrl = z
  .string()
  .max(2048)
  .refine(isWebAddress, "must be an https:// address without credentials and fragment")
  .meta({ pattern: WEB_ADDRESS });

/** `enabled` is sent to. `disabled`: by a person. `gone`: it answered 410. `failing`: it took nothing for days. */
export type WebhookStatus = "enabled" | "disabled" | "gone" | "failing";

export interface StoredSecret {
  /** Wrapped under the master key. */
  readonly wrapped: string;
  /** Until when it signs, as an ISO instant; null = until it is replaced. */
  readonly until: string | null;
}

export interface Webhook {
  readonly tenant: string;
  readonly id: string;
  readonly url: string;
  readonly events: readonly WebhookEvent[];
  readonly description: string;
  readonly status: WebhookStatus;
  /** The latest first. */
  readonly secrets: readonly StoredSecret[];
  /** First failure since it last took something; null when it works, as far as is known. */
  readonly failingSince: Date | null;
  readonly delivered: number;
  /** Deliveries that were given up. */
  readonly dropped: number;
  readonly lastDeliveredAt: Date | null;
  /** "" since it last took something. */
  readonly lastError: string;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly updatedAt: Date;
  readonly updatedBy: string;
}

export interface WebhookKey {
  /** undefined = whichever tenant's it is. */
  readonly tenant: string | undefined;
  readonly id: string;
}

/** What a person says about a webhook. */
export interface WebhookRequest {
  readonly url: string;
  readonly events: readonly WebhookEvent[];
  readonly description: string;
}

export interface WebhookChange {
  readonly url?: string | undefined;
  readonly events?: readonly WebhookEvent[] | undefined;
  readonly description?: string | undefined;
  readonly enabled?: boolean | undefined;
}

export const DELIVERY_STATUSES = ["pending", "delivered", "failed"] as const;

export interface Delivery {
  readonly tenant: string;
  /** The `webhook-id` of the message. */
  readonly id: string;
  readonly webhookId: string;
  readonly type: WebhookEvent | typeof TEST_EVENT;
  /** Exactly what is sent, at every attempt. */
  readonly body: string;
  readonly status: (typeof DELIVERY_STATUSES)[number];
  /** Since it was put in line last. */
  readonly attempts: number;
  /** While it is pending: when it is tried next, or when whoever tries it now has lost it. */
  readonly nextAt: Date;
  /** No attempt is planned for later than this. */
  readonly giveUpAt: Date;
  /** Who tries it now; null when nobody does. */
  readonly lease: string | null;
  /** Of the latest attempt; null when there was no answer. */
  readonly responseStatus: number | null;
  readonly lastError: string;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
}

/** A delivery that this process alone may try, until the lease ends. */
export interface Leased {
  readonly webhook: Webhook;
  readonly delivery: Delivery & { readonly lease: string };
}

/** Sent when a person asks for it; not to be subscribed to, and never tried again. */
export const TEST_EVENT = "webhook.test";

export const WEBHOOKS_MAX = 20;
export const KEEP_MS = 30 * 86_400_000;
export const TRY_FOR_MS = 3 * 86_400_000;
/** A webhook that has failed for this long is disabled with the delivery that is given up next. */
export const FAIL_FOR_MS = 5 * 86_400_000;
export const SECRET_OVERLAP_MS = 86_400_000;
/** Secrets that sign at once. */
export const SECRETS_MAX = 5;
/** Longer than an attempt can last. */
export const LEASE_MS = 60_000;

function isWebAddress(text: string): boolean {
  if (!/^https?:\/\/[\x21-\x7e]+$/.test(text) || /[\\#"<>^`{|}]/.test(text)) return false;
  const url = URL.parse(text);
  return url !== null && url.username === "" && url.password === "" && isPlainHost(url.hostname);
}
