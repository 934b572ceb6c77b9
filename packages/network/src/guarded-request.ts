// One HTTP request to an address that somebody else chose. No redirect is followed, no proxy is asked, the connection goes to an address that was
// judged and is used once, and the answer has a deadline and a size.
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP } from "node:net";
import { type AddressRules, createAddressRules } from "./address-rules.ts";
import { guardedLookup, hostOf, type Resolve } from "./guarded-lookup.ts";

export interface GuardedRequest {
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface GuardedAnswer {
  readonly status: number;
  readonly body: Uint8Array;
  /** False when the answer was larger than it may be, came too late or broke off: `body` is what there was. */
  readonly isWhole: boolean;
}

export interface GuardedRequestOptions {
  /** Whether loopback and private networks may be connected to. */
  readonly mayBePrivate: boolean;
  /** From the first byte out to the last one in. */
  readonly timeoutMs: number;
  readonly bytesMax: number;
  /** Default: as the operating system resolves. */
  readonly resolve?: Resolve;
}

/** Rejects with an Error when no answer began; it has a `code` unless the address may not be reached. Its text may name addresses. */
export type SendGuarded = (url: URL, request?: GuardedRequest) => Promise<GuardedAnswer>;

export function createGuardedRequest(options: GuardedRequestOptions): SendGuarded {
  const { timeoutMs, bytesMax, resolve } = options;
  const rules = rulesFor(options);
  const lookup = guardedLookup(rules, resolve);
  return async (url, { method = "GET", headers = {}, body } = {}) => {
    const host = hostOf(url);
    const refusal = isIP(host) === 0 ? undefined : rules.refusalOf(host);
    if (refusal !== undefined) throw new Error(`${host} may not be reached: ${refusal}`);
    const { promise, resolve: answer, reject } = Promise.withResolvers<GuardedAnswer>();
    const request = (url.protocol === "https:" ? requestHttps : requestHttp)(url, {
      method,
      lookup,
      agent: false,
      signal: AbortSignal.timeout(timeoutMs),
      headers: { ...headers, "accept-encoding": "identity" },
    });
    let breakOff: (error: Error) => void = reject;
    request.on("error", (error) => breakOff(error));
    request.on("response", (response) => {
      const chunks: Uint8Array[] = [];
      let size = 0;
      const settle = (isWhole: boolean) => {
        const read = Buffer.concat(chunks, Math.min(size, bytesMax));
        answer({ status: response.statusCode ?? 0, body: read, isWhole });
        request.destroy();
      };
      breakOff = () => settle(false);
      response.on("data", (chunk: Uint8Array) => {
        size += chunk.byteLength;
        chunks.push(chunk);
        if (size > bytesMax) settle(false);
      });
      response.on("error", breakOff);
      response.on("end", () => settle(true));
    });
    request.end(body);
    return await promise;
  };
}

/** Public addresses only, or near ones too. */
const rulesFor = ({ mayBePrivate }: { readonly mayBePrivate: boolean }): AddressRules =>
  createAddressRules({ isStrict: !mayBePrivate });
