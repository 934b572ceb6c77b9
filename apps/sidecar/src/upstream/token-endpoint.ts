// Asks an OAuth token endpoint for one access token (RFC 6749 §4.4 and §5, RFC 8693 §2). What it answers is bounded and read strictly, and
// nothing of what is sent there (secret, subject token) stands in any message or log.
import { Buffer } from "node:buffer";
import { Pool } from "undici";
import { type DestinationRules, readDestination } from "./destination.ts";

export interface TokenEndpoint {
  /** @throws Error whose message may be logged. */
  fetchToken(parameters: Readonly<Record<string, string>>): Promise<FetchedToken>;
  close(): Promise<void>;
}

export interface FetchedToken {
  readonly accessToken: string;
  /** As the endpoint says; undefined when it does not. */
  readonly lifetimeMs: number | undefined;
}

export interface TokenEndpointOptions extends DestinationRules {
  readonly tokenUrl: string;
  readonly clientId: string;
  /** Reveals the secret; called for each request and kept nowhere. */
  readonly clientSecret: () => string | Promise<string>;
  readonly timeoutMs: number;
}

const ANSWER_BYTES_MAX = 65_536;
/** RFC 6750 §2.1. */
const BEARER_TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/** @throws Fault invalid "config.invalid" for an address that may not be reached. */
export function createTokenEndpoint(options: TokenEndpointOptions): TokenEndpoint {
  const { clientId, clientSecret, timeoutMs } = options;
  const { origin, path, lookup } = readDestination(options.tokenUrl, options);
  const pool = new Pool(origin, {
    connections: 4,
    allowH2: false,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    connect: { timeout: timeoutMs, lookup },
  });
  return {
    async fetchToken(parameters) {
      const { statusCode, body } = await pool.request({
        path,
        method: "POST",
        headers: {
          accept: "application/json",
          "content-type": "application/x-www-form-urlencoded",
          authorization: basic(clientId, await clientSecret()),
        },
        body: new URLSearchParams(parameters).toString(),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const answer = parse(await readBounded(body));
      if (statusCode !== 200)
        throw new Error(`the token endpoint answers HTTP ${statusCode}${errorCodeOf(answer)}`);
      return tokenOf(answer);
    },
    close: () => pool.destroy(),
  };
}

/** RFC 6749 §2.3.1: both parts are form-encoded first. */
const basic = (id: string, secret: string) =>
  `Basic ${Buffer.from(`${formEncoded(id)}:${formEncoded(secret)}`).toString("base64")}`;

const formEncoded = (text: string) => new URLSearchParams({ _: text }).toString().slice(2);

async function readBounded(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  for await (const piece of body) {
    sizeBytes += piece.byteLength;
    if (sizeBytes > ANSWER_BYTES_MAX) throw new Error("the token endpoint's answer is too large");
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function parse(bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function tokenOf(answer: Readonly<Record<string, unknown>>): FetchedToken {
  const { access_token: accessToken, token_type: type, expires_in: expiresIn } = answer;
  if (typeof accessToken !== "string" || !BEARER_TOKEN.test(accessToken)) {
    throw new Error("the token endpoint's answer holds no usable access_token");
  }
  if (typeof type !== "string" || type.toLowerCase() !== "bearer") {
    throw new Error("the token endpoint's answer is not of token_type Bearer");
  }
  const isKnown = typeof expiresIn === "number" && Number.isFinite(expiresIn) && expiresIn >= 0;
  return { accessToken, lifetimeMs: isKnown ? expiresIn * 1_000 : undefined };
}

/** Only the registered code: a description could repeat what was sent. */
function errorCodeOf({ error }: Readonly<Record<string, unknown>>): string {
  return typeof error === "string" && /^[a-z_]{1,64}$/.test(error) ? ` (${error})` : "";
}
