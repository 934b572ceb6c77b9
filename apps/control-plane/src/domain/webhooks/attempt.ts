// What follows from an attempt to deliver: for the delivery, and for what is known of its webhook.
import { type Delivery, TEST_EVENT, type Webhook } from "./model.ts";

/** What came of an attempt. `error` may be shown to the tenant. */
export type Attempt = { readonly status: number } | { readonly error: string };

/** Waits before the second, third, … attempt; the last one again and again. */
const WAITS_MS = [5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000] as const;

/**
 * How long to wait after so many attempts. `jitter` of 0 to 1 moves it by up to a tenth either way, so that what failed together does not come
 * back together.
 */
export function waitMs(attempts: number, jitter: number): number {
  const base = WAITS_MS[Math.min(Math.max(attempts, 1), WAITS_MS.length) - 1] ?? 36_000_000;
  return Math.round(base * (0.9 + 0.2 * jitter));
}

/** Standard Webhooks: any 2xx means that it was taken. */
export const isTaken = (attempt: Attempt): boolean =>
  "status" in attempt && attempt.status >= 200 && attempt.status < 300;

/** Standard Webhooks: the receiver wants no more of it. */
export const isGone = (attempt: Attempt): boolean => "status" in attempt && attempt.status === 410;

export const errorOf = (attempt: Attempt): string =>
  "error" in attempt ? attempt.error : isTaken(attempt) ? "" : `The answer was HTTP ${attempt.status}.`;

/** A delivery after an attempt. `jitter`: as in `waitMs`. */
export function deliveryAfter(delivery: Delivery, attempt: Attempt, nowMs: number, jitter: number): Delivery {
  const told = {
    lease: null,
    responseStatus: "status" in attempt ? attempt.status : null,
    lastError: errorOf(attempt),
  };
  const finished = { ...delivery, ...told, finishedAt: new Date(nowMs) };
  if (isTaken(attempt)) return { ...finished, status: "delivered" };
  const nextAt = new Date(nowMs + waitMs(delivery.attempts, jitter));
  if (isGone(attempt) || nextAt > delivery.giveUpAt) return { ...finished, status: "failed" };
  return { ...delivery, ...told, nextAt };
}

/** A webhook after an attempt at a delivery to it, which stands as the attempt left it. */
export function webhookAfter(
  webhook: Webhook,
  { type, status }: Delivery,
  attempt: Attempt,
  nowMs: number,
): Webhook {
  const at = new Date(nowMs);
  if (isTaken(attempt)) {
    const { delivered } = webhook;
    return { ...webhook, failingSince: null, lastError: "", lastDeliveredAt: at, delivered: delivered + 1 };
  }
  const dropped = webhook.dropped + (status === "failed" ? 1 : 0);
  // What a person tries out says nothing about how long the receiver has been away.
  const failingSince = type === TEST_EVENT ? webhook.failingSince : (webhook.failingSince ?? at);
  return { ...webhook, dropped, failingSince, lastError: errorOf(attempt) };
}
