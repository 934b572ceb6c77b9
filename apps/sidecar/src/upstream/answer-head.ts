// Status and headers of a tool server's answer: what the client may see of them, and which answers must not reach it as they are.
import { headerOf, type RawHeaders, responseHeaders } from "./travelling-headers.ts";

export interface AnswerHead {
  readonly ok: true;
  readonly status: number;
  /** For the client. */
  readonly headers: Readonly<Record<string, string>>;
  readonly isStream: boolean;
  /** As announced; NaN when it is not. */
  readonly lengthBytes: number;
}

export interface UnusableHead {
  readonly ok: false;
  readonly code: "upstream.unavailable" | "upstream.protocol";
  readonly message: string;
}

/** `bodyBytesMax`: largest answer that is no stream. */
export function readAnswerHead(
  status: number,
  raw: RawHeaders,
  bodyBytesMax: number,
): AnswerHead | UnusableHead {
  if (status >= 300 && status < 400) {
    return protocol(`The tool server redirects (HTTP ${status}), which is not followed`);
  }
  // Told to the client as it is, a 401 would send it to log in at the wrong place.
  if (status === 401 || status === 407) {
    const message = `The tool server does not accept the sidecar's credential (HTTP ${status})`;
    return { ok: false, code: "upstream.unavailable", message };
  }
  if ((headerOf(raw, "content-encoding") ?? "identity").toLowerCase() !== "identity") {
    return protocol("The tool server's answer is compressed, which was not asked for");
  }
  const headers = responseHeaders(raw);
  const isStream = /^text\/event-stream\b/i.test(headers["content-type"] ?? "");
  const lengthBytes = Number(headerOf(raw, "content-length") ?? Number.NaN);
  if (!isStream && lengthBytes > bodyBytesMax) return protocol(tooLarge(bodyBytesMax));
  return { ok: true, status, headers, isStream, lengthBytes };
}

export const tooLarge = (bytesMax: number) => `The tool server's answer is larger than ${bytesMax} bytes`;

const protocol = (message: string): UnusableHead => ({ ok: false, code: "upstream.protocol", message });
