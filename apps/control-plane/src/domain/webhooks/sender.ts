// Sends a webhook's message over HTTP. What went wrong is told in words that say nothing about the network that this process stands in: whoever
// names an address must not learn from us what is behind it.
import { isIP } from "node:net";
import { createAddressRules, createGuardedRequest, hostOf, type Resolve } from "@postern/network";
import type { Attempt } from "./attempt.ts";

export interface WebhookSender {
  /** Why an address is no place for a webhook, whatever it resolves to later; undefined when it may be one. */
  refusalOf(url: URL): string | undefined;
  /** One attempt, at most 10 s long. Never rejects. */
  send(url: URL, message: { headers: Readonly<Record<string, string>>; body: string }): Promise<Attempt>;
}

export interface WebhookSenderOptions {
  /** Whether loopback and private networks may be sent to, and plain HTTP may be spoken. */
  readonly mayBePrivate: boolean;
  /** Default 10,000. */
  readonly timeoutMs?: number;
  readonly resolve?: Resolve;
}

/** Nothing in an answer's body counts; so much of it is taken from the wire. */
const ANSWER_BYTES_MAX = 65_536;

export function createWebhookSender(options: WebhookSenderOptions): WebhookSender {
  const { mayBePrivate, timeoutMs = 10_000 } = options;
  const request = createGuardedRequest({ ...options, timeoutMs, bytesMax: ANSWER_BYTES_MAX });
  const rules = createAddressRules({ isStrict: !mayBePrivate });
  return {
    refusalOf(url) {
      if (url.protocol === "http:" && !mayBePrivate) return "it must be https";
      const host = hostOf(url);
      return isIP(host) === 0 ? undefined : rules.refusalOf(host);
    },
    async send(url, { headers, body }) {
      try {
        const { status } = await request(url, {
          method: "POST",
          headers: { "content-type": "application/json", "user-agent": "Postern-Webhooks/1", ...headers },
          body,
        });
        return { status };
      } catch (caught) {
        return { error: problemOf(caught) };
      }
    },
  };
}

function problemOf(caught: unknown): string {
  const { name = "", code = "" } =
    caught instanceof Error ? (caught as { name?: string; code?: unknown }) : {};
  const text = String(code);
  if (name === "AbortError") return "There was no answer in time.";
  // Whether a name resolves, and to what, is not for the tenant to learn: it may be one of our own network.
  if (text === "" || /^(ENOTFOUND|EAI_)/.test(text)) return "The address may not be reached.";
  if (/^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|EPROTO)/.test(text))
    return "The TLS connection could not be made.";
  if (text.startsWith("HPE_")) return "The answer is no HTTP.";
  return "The connection could not be made, or broke off.";
}
