// Which issuers the tenant trusts, as the control plane says and signs. It is asked now and then; what was heard last stands until something
// newer is heard, for whom it names is only pointed to, and what they sign is still judged by the control plane.
import { LoginState } from "@postern/contracts";
import { Fault, toFault } from "@postern/fault";
import { type KeySet, open } from "@postern/signing";
import type { Surroundings } from "../surroundings.ts";
import { backoffMs } from "../timing.ts";
import type { LoginIssuer } from "./metadata.ts";

export interface TrustedIssuers {
  current(): readonly LoginIssuer[];
  /** Asks until `signal` fires, and then resolves. */
  follow(signal: AbortSignal): Promise<void>;
}

export interface TrustedIssuersPorts extends Pick<Surroundings, "clock" | "sleep" | "random" | "log"> {
  readonly tenant: string;
  readonly controlPlane: { login(signal: AbortSignal): Promise<{ readonly sealed: string }> };
  readonly keys: () => KeySet;
  /** Called when the issuers are others than before. */
  readonly onChanged: () => void;
}

const ASK_EVERY_MS = 10_000;
const SEALED_CHARS_MAX = 1_048_576;

export function createTrustedIssuers(ports: TrustedIssuersPorts): TrustedIssuers {
  const { tenant, controlPlane, keys, clock, sleep, random, log, onChanged } = ports;
  let issuers: readonly LoginIssuer[] = [];
  let text = "[]";
  let issuedAtMs = Number.NEGATIVE_INFINITY;

  async function ask(signal: AbortSignal): Promise<void> {
    const { sealed } = await controlPlane.login(signal);
    if (sealed.length > SEALED_CHARS_MAX) throw refuse("login.shape", "The list of issuers is too large.");
    const options = { keys: keys(), use: "state", purpose: "state", nowMs: clock.nowMs() } as const;
    const { document } = await open(sealed, options);
    const parsed = LoginState.safeParse(document);
    if (!parsed.success || parsed.data.tenant !== tenant) {
      throw refuse(
        "login.shape",
        "The list of issuers has a shape or a tenant that this sidecar does not know.",
      );
    }
    const saidMs = Date.parse(parsed.data.issued_at);
    if (saidMs < issuedAtMs)
      throw refuse("login.rollback", "The list of issuers is older than the one that is held.");
    issuedAtMs = saidMs;
    const said = JSON.stringify(parsed.data.issuers);
    if (said === text) return;
    issuers = parsed.data.issuers;
    text = said;
    log.info("trusted issuers", { issuers: issuers.map(({ issuer }) => issuer) });
    onChanged();
  }

  return {
    current: () => issuers,
    async follow(signal) {
      for (let attempt = 0; !signal.aborted; ) {
        try {
          await ask(signal);
          attempt = 0;
        } catch (caught) {
          attempt += 1;
          // The keys that the list is signed with come by another way, and may come a moment later.
          if (attempt > 3) log.warn("trusted issuers not heard", { code: toFault(caught).code, attempt });
        }
        const waitMs = attempt === 0 ? ASK_EVERY_MS : backoffMs(attempt, random, { longestMs: ASK_EVERY_MS });
        await sleep(waitMs, signal);
      }
    },
  };
}

function refuse(code: string, message: string): Fault {
  return new Fault("invalid", code, message);
}
