// One request over Node's own HTTP client. Its parser is native, where that of fetch is WebAssembly: to compile that to machine code takes a
// sidecar at rest 15 MB and a third of a second of processor time. No redirect is followed.
import { type IncomingMessage, request as plainRequest, type RequestOptions } from "node:http";

export interface Reply {
  readonly status: number;
  /** Value of Content-Type; "" when there is none. */
  readonly contentType: string;
  /** Ends the connection when it is left before its end. */
  readonly body: AsyncIterable<Uint8Array>;
}

export interface Sending {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** Rejects when there is no answer, when it is a redirect, and when `signal` fires. */
export async function send(url: string, { body, ...options }: Sending): Promise<Reply> {
  const incoming = await answerTo(url, options, body);
  // Whoever reads hears of it; when nobody does, it is nobody's trouble.
  incoming.on("error", () => {});
  const status = incoming.statusCode ?? 0;
  if (status >= 300 && status <= 399) {
    incoming.destroy();
    throw new Error(`an unexpected redirect, ${status}`);
  }
  return { status, contentType: incoming.headers["content-type"] ?? "", body: incoming };
}

async function answerTo(url: string, options: RequestOptions, body = ""): Promise<IncomingMessage> {
  // TLS is loaded where it is used: beside the agent it mostly is not.
  const request = url.startsWith("https:") ? (await import("node:https")).request : plainRequest;
  return await new Promise((resolve, reject) => {
    request(url, options, resolve).on("error", reject).end(body);
  });
}
