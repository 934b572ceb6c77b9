// The bytes of request bodies, bounded one by one and together: memory is given out only as it is filled, a large body is taken only from the
// holder of a valid token, and callers who proved nothing can fill a quarter of the room at most, so that they never take it from others.
import type { IncomingMessage } from "node:http";
import type { Reason } from "@postern/contracts";
import type { Headers } from "@postern/mcp";

export interface BodyLimits {
  /** Largest body. */
  readonly bodyBytesMax: number;
  /** All bodies in memory together, until their requests are answered. */
  readonly receivedBytesMax: number;
}

export interface BodyReceiver {
  /** `refusalOf` says why the caller's token stands for nothing; it is asked only if the answer matters. */
  receive(
    request: IncomingMessage,
    headers: Headers,
    refusalOf: () => Promise<Reason | undefined>,
  ): Promise<ReceivedBody>;
}

export type ReceivedBody =
  | {
      readonly ok: true;
      readonly body: Uint8Array;
      /** Gives the room back, once. */
      readonly release: () => void;
    }
  | { readonly ok: false; readonly status: 413 | 503; readonly detail: string };

/** Largest body of a caller who proved nothing. */
const STRANGER_BODY_BYTES_MAX = 65_536;
const STRANGERS_SHARE = 0.25;

export function createBodyReceiver({ bodyBytesMax, receivedBytesMax }: BodyLimits): BodyReceiver {
  const held = { bytes: 0, strangersBytes: 0 };
  const isStrangersShareFull = (more: number) =>
    held.strangersBytes + more > receivedBytesMax * STRANGERS_SHARE;

  return {
    receive(request, headers, refusalOf) {
      const chunks: Buffer[] = [];
      let size = 0;
      let isStranger = true;
      const release = () => {
        held.bytes -= size;
        if (isStranger) held.strangersBytes -= size;
        size = 0;
      };
      const refused = (status: 413 | 503, detail: string): ReceivedBody => {
        release();
        return { ok: false, status, detail };
      };
      const needsProof = (more: number) =>
        isStranger && (size + more > STRANGER_BODY_BYTES_MAX || isStrangersShareFull(more));
      const isProven = async (more: number): Promise<ReceivedBody | undefined> => {
        const refusal = await refusalOf();
        if (refusal !== undefined && size + more > STRANGER_BODY_BYTES_MAX)
          return refused(413, needsToken(refusal));
        if (refusal !== undefined) return refused(503, FULL);
        isStranger = false;
        held.strangersBytes -= size;
        return undefined;
      };
      const takeIn = (chunk: Buffer): ReceivedBody | undefined => {
        if (held.bytes + chunk.byteLength > receivedBytesMax) return refused(503, FULL);
        chunks.push(chunk);
        size += chunk.byteLength;
        held.bytes += chunk.byteLength;
        if (isStranger) held.strangersBytes += chunk.byteLength;
        return undefined;
      };

      if (Number(headers.get("content-length") ?? 0) > bodyBytesMax)
        return Promise.resolve(refused(413, tooLarge(bodyBytesMax)));
      return new Promise((resolve, reject) => {
        let isSettled = false;
        const settle = (received: ReceivedBody) => {
          isSettled = true;
          resolve(received);
        };
        const onData = (chunk: Buffer) => {
          if (isSettled) return undefined;
          if (size + chunk.byteLength > bodyBytesMax) return settle(refused(413, tooLarge(bodyBytesMax)));
          if (needsProof(chunk.byteLength)) return void prove(chunk).catch(onError);
          const refusal = takeIn(chunk);
          if (refusal !== undefined) settle(refusal);
        };
        const prove = async (chunk: Buffer) => {
          request.pause();
          const refusal = (await isProven(chunk.byteLength)) ?? takeIn(chunk);
          if (refusal !== undefined) settle(refusal);
          else request.resume();
        };
        const onEnd = () => {
          if (isSettled) return;
          const [only] = chunks;
          const body = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, size);
          settle({ ok: true, body, release });
        };
        const onError = (caught: unknown) => {
          if (isSettled) return;
          isSettled = true;
          release();
          reject(caught);
        };
        // Every request is closed in the end, so what tells of a caller that left is made only then.
        const onClose = () => {
          if (!isSettled) onError(new Error("The caller left in the middle of its request."));
        };
        request.on("data", onData).on("end", onEnd).on("error", onError).on("close", onClose);
      });
    },
  };
}

const FULL = "there is no room for more request bodies at the moment (POSTERN_RECEIVED_BYTES_MAX)";
const tooLarge = (bytesMax: number) => `the body is larger than ${bytesMax} bytes (POSTERN_BODY_BYTES_MAX)`;
const needsToken = ({ detail }: Reason) =>
  `a body of more than ${STRANGER_BODY_BYTES_MAX} bytes needs a valid capability token. ${detail}`;
