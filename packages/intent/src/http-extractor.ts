// Extractor behind HTTP: POST <url>/v1/extract. Whatever is not a timely, small, well-formed 2xx answer is a Fault.
import { ExtractResponse } from "@postern/contracts";
import { Fault } from "@postern/fault";
import type { Extractor } from "./extractor.ts";

export interface HttpExtractorOptions {
  /** Base address of the extractor, without `/v1/extract`. */
  readonly url: string;
  /** For the whole exchange, answer included. */
  readonly timeoutMs: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly answerBytesMax?: number;
}

/** Its `extract` throws: unavailable `intent.unreachable` or `intent.timeout`; upstream `intent.status` or `intent.answer`. */
export function createHttpExtractor(options: HttpExtractorOptions): Extractor {
  const address = `${options.url.replace(/\/+$/, "")}/v1/extract`;
  const answerBytesMax = options.answerBytesMax ?? 262_144;
  return {
    async extract(request) {
      const text = await exchange(address, JSON.stringify(request), answerBytesMax, options);
      const answer = ExtractResponse.safeParse(parseJson(text));
      if (answer.success) return answer.data.intent;
      throw badAnswer(answer.error.message);
    },
  };
}

async function exchange(
  address: string,
  body: string,
  answerBytesMax: number,
  options: HttpExtractorOptions,
): Promise<string> {
  try {
    const response = await fetch(address, {
      method: "POST",
      headers: { ...options.headers, "content-type": "application/json", accept: "application/json" },
      body,
      // A redirect could carry the user's prompt to somebody else.
      redirect: "error",
      signal: AbortSignal.timeout(options.timeoutMs),
    });
    if (response.ok) return await readBounded(response, answerBytesMax);
    await response.body?.cancel();
    throw new Fault("upstream", "intent.status", "The intent extractor refused the request.", {
      detail: `status ${response.status}`,
    });
  } catch (caught) {
    if (caught instanceof Fault) throw caught;
    const isLate = caught instanceof Error && caught.name === "TimeoutError";
    throw isLate
      ? new Fault("unavailable", "intent.timeout", "The intent extractor did not answer in time.", {
          cause: caught,
        })
      : new Fault("unavailable", "intent.unreachable", "The intent extractor cannot be reached.", {
          cause: caught,
        });
  }
}

async function readBounded(response: Response, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the stream and frees the connection.
    if (bytes > bytesMax) throw badAnswer(`more than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (caught) {
    throw badAnswer(caught instanceof Error ? caught.message : "not JSON");
  }
}

function badAnswer(detail: string): Fault {
  return new Fault("upstream", "intent.answer", "The intent extractor's answer is malformed.", { detail });
}
