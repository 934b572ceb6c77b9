// One HTTP exchange, done the careful way: a deadline on everything, bounded answers, no redirects (a credential goes where it was meant
// to go and nowhere else), and every failure a Fault.
import { Fault } from "@postern/fault";
import type { z } from "zod";
import { breakage, malformed, refusal } from "./failure.ts";
import { type Reply, send } from "./send.ts";

export interface ConnectionOptions {
  /** Address of the service: `https://host`, or with the path under which it lives. */
  readonly url: string;
  /** From sending to the last byte of the answer; in a stream, between two chunks. Default 10 s. */
  readonly timeoutMs?: number;
  /** Largest answer that is read into memory. Default 16 MiB. */
  readonly answerBytesMax?: number;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RequestOptions {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** The body as JSON text that is ready; in place of `body`. */
  readonly bodyJson?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  readonly status: number;
  /** Value of Content-Type; "" when there is none. */
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

/**
 * Every function raises Fault unavailable "client.timeout" | "client.cancelled" | "client.unreachable", and upstream "client.too_large".
 * All but `answer` raise a Fault for a status outside 2xx: its kind by the status, its code the service's own or "client.refused".
 */
export interface Exchange {
  /** Any answer, whatever its status. */
  answer(method: string, path: string, options?: RequestOptions): Promise<Answer>;
  bytes(method: string, path: string, options?: RequestOptions): Promise<Uint8Array>;
  /** A JSON answer. Also raises Fault upstream "client.malformed". */
  json<S extends z.ZodType>(
    method: string,
    path: string,
    reply: S,
    options?: RequestOptions,
  ): Promise<z.output<S>>;
  /** The chunks of an answer as they come. */
  stream(method: string, path: string, options?: RequestOptions): AsyncGenerator<Uint8Array, void>;
}

const TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 16 * 1_048_576;
const REFUSAL_BYTES_MAX = 65_536;

/** Raises Fault invalid "client.url" | "client.token" for what can never work. */
export function createExchange(options: ConnectionOptions, token: string): Exchange {
  const { timeoutMs = TIMEOUT_MS, answerBytesMax = ANSWER_BYTES_MAX } = options;
  const base = baseOf(options.url);
  const authorization = `Bearer ${checkedToken(token)}`;

  function ask(method: string, path: string, request: RequestOptions, deadline: AbortSignal): Promise<Reply> {
    const { body, headers, query, signal } = request;
    const bodyJson = request.bodyJson ?? (body === undefined ? undefined : JSON.stringify(body));
    return send(addressOf(base, path, query), {
      method,
      headers: {
        authorization,
        ...(bodyJson === undefined ? {} : { "content-type": "application/json" }),
        ...options.headers,
        ...headers,
      },
      signal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
      ...(bodyJson === undefined ? {} : { body: bodyJson }),
    });
  }

  async function answer(method: string, path: string, request: RequestOptions = {}): Promise<Answer> {
    const deadline = AbortSignal.timeout(timeoutMs);
    try {
      const { status, contentType, body } = await ask(method, path, request, deadline);
      return { status, contentType, bytes: await readBounded(body, answerBytesMax) };
    } catch (caught) {
      throw breakage(caught, `${method} ${path}`, request.signal, deadline);
    }
  }

  async function* stream(method: string, path: string, request: RequestOptions = {}) {
    const idle = createIdleLimit(timeoutMs);
    try {
      const { status, body } = await idle.during(ask(method, path, request, idle.signal));
      if (!isSuccess(status)) throw refusal(status, await readBounded(body, REFUSAL_BYTES_MAX));
      const chunks = body[Symbol.asyncIterator]();
      for (;;) {
        const next = await idle.during(chunks.next());
        if (next.done) return;
        yield next.value;
      }
    } catch (caught) {
      throw breakage(caught, `${method} ${path}`, request.signal, idle.signal);
    } finally {
      idle.end();
    }
  }

  async function bytes(method: string, path: string, request?: RequestOptions): Promise<Uint8Array> {
    const { status, bytes } = await answer(method, path, request);
    if (!isSuccess(status)) throw refusal(status, bytes);
    return bytes;
  }

  return {
    answer,
    bytes,
    stream,
    async json(method, path, reply, request) {
      const parsed = reply.safeParse(parseJson(await bytes(method, path, request)));
      if (!parsed.success) throw malformed(parsed.error.message);
      return parsed.data;
    },
  };
}

const isSuccess = (status: number): boolean => status >= 200 && status <= 299;

/** Raises Fault upstream "client.malformed". */
function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (caught) {
    throw malformed(String(caught));
  }
}

/** A signal that fires when one wait lasts longer than `limitMs`; the time between waits does not count. */
function createIdleLimit(limitMs: number) {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    async during<T>(wait: T): Promise<Awaited<T>> {
      const timer = setTimeout(() => controller.abort(), limitMs);
      try {
        return await wait;
      } finally {
        clearTimeout(timer);
      }
    },
    /** Ends the connection, however much of the answer is still to come. */
    end: () => controller.abort(),
  };
}

async function readBounded(body: Reply["body"], bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > bytesMax)
      throw new Fault(
        "upstream",
        "client.too_large",
        `The service's answer is larger than ${bytesMax} bytes.`,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

function baseOf(url: string): string {
  const parsed = URL.parse(url);
  const isUsable =
    parsed !== null && /^https?:$/.test(parsed.protocol) && parsed.username === "" && parsed.password === "";
  if (!isUsable || parsed.search !== "" || parsed.hash !== "")
    throw new Fault(
      "invalid",
      "client.url",
      "The address must be an http or https one, without credentials or query.",
    );
  return parsed.href.replace(/\/+$/, "");
}

function checkedToken(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new Fault("invalid", "client.token", "The token must be printable ASCII without blanks.");
}

function addressOf(base: string, path: string, query: RequestOptions["query"] = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return `${base}${path}${search.size > 0 ? `?${search}` : ""}`;
}
