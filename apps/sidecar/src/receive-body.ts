// The bytes of request bodies, bounded one by one and together: memory is given out only as it is filled, a large body is taken only from the
// holder of a valid token, and callers who proved nothing can fill a quarter of the room at most, so that they never take it from others.
import type { IncomingMessage } from "node:http";
import type { Reason } from "@postern/contracts";

export interface BodyLimits {
  /** Largest body. */
  readonly bodyBytesMax: number;
  /** All bodies in memory together, until their requests are answered. */
  readonly receivedBytesMax: number;
}

export interface BodyReceiver {
  /** `refusalOf` says why the caller's token stands for nothing; it is asked only if the answer matters. */
  receive(request: IncomingMessage, refusalOf: () => Promise<Reason | undefined>): Promise<ReceivedBody>;
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
    async receive(request, refusalOf) {
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
      const takeIn = async (chunk: Buffer): Promise<ReceivedBody | undefined> => {
        const total = size + chunk.byteLength;
        if (total > bodyBytesMax) return refused(413, tooLarge(bodyBytesMax));
        if (isStranger && (total > STRANGER_BODY_BYTES_MAX || isStrangersShareFull(chunk.byteLength))) {
          const refusal = await refusalOf();
          if (refusal !== undefined && total > STRANGER_BODY_BYTES_MAX)
            return refused(413, needsToken(refusal));
          if (refusal !== undefined) return refused(503, FULL);
          isStranger = false;
          held.strangersBytes -= size;
        }
        if (held.bytes + chunk.byteLength > receivedBytesMax) return refused(503, FULL);
        chunks.push(chunk);
        size = total;
        held.bytes += chunk.byteLength;
        if (isStranger) held.strangersBytes += chunk.byteLength;
        return undefined;
      };

      if (Number(request.headers["content-length"] ?? 0) > bodyBytesMax)
        return refused(413, tooLarge(bodyBytesMax));
      try {
        // Left early, the request must not end its connection: the refusal still has to be told.
        for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
          const refusal = await takeIn(chunk);
          if (refusal !== undefined) return refusal;
        }
      } catch (caught) {
        release();
        throw caught;
      }
      const body = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size);
      return { ok: true, body, release };
    },
  };
}

const FULL = "there is no room for more request bodies at the moment (POSTERN_RECEIVED_BYTES_MAX)";
const tooLarge = (bytesMax: number) => `the body is larger than ${bytesMax} bytes (POSTERN_BODY_BYTES_MAX)`;
const needsToken = ({ detail }: Reason) =>
  `a body of more than ${STRANGER_BODY_BYTES_MAX} bytes needs a valid capability token. ${detail}`;
