// Secrets in Vault's KV version 2 engine, over its HTTP API: GET <address>/v1/<mount>/data/<path> with a token, which is configured, kept fresh
// in a file by somebody else, or got by Kubernetes auth. Nothing that Vault answers stands in a message but its status.
import { readFile } from "node:fs/promises";
import type { Secret } from "@postern/config";
import type { Clock } from "@postern/fault";
import { Agent, request } from "undici";
import { z } from "zod";
import { noSecret, secretOf, secretTrouble } from "./secret-source.ts";

export interface Vault {
  /** `path`: "mount/path#field". @throws Fault "upstream.secret". */
  read(path: string): Promise<Secret>;
  close(): Promise<void>;
}

/** token: as it is · file: read for each request · kubernetes: the service account's own, exchanged for one of Vault's. */
export type VaultLogin =
  | { readonly by: "token"; readonly token: Secret }
  | { readonly by: "file"; readonly path: string }
  | { readonly by: "kubernetes"; readonly role: string; readonly mount: string; readonly jwtPath: string };

export interface VaultOptions {
  /** Such as https://vault.example.com:8200, without a slash at its end. */
  readonly address: string;
  readonly login: VaultLogin;
  readonly timeoutMs: number;
  readonly clock: Pick<Clock, "monotonicMs">;
}

const ANSWER_BYTES_MAX = 1_048_576;
/** Of a token's life; it takes time to arrive. */
const USED_SHARE = 0.8;

const LoginAnswer = z.object({
  auth: z.object({ client_token: z.string().min(1).max(4096), lease_duration: z.number().min(0) }),
});
const SecretAnswer = z.object({ data: z.object({ data: z.record(z.string(), z.unknown()) }) });

interface Answer {
  readonly status: number;
  readonly json: unknown;
}

export function createVault({ address, login, timeoutMs, clock }: VaultOptions): Vault {
  const dispatcher = new Agent({ connections: 4, connect: { timeout: timeoutMs } });
  let session: { token: Promise<string>; untilMs: number } | undefined;

  async function ask(method: "GET" | "POST", path: string, headers: object, body?: object): Promise<Answer> {
    try {
      const answer = await request(`${address}/v1/${path}`, {
        dispatcher,
        method,
        headers: { "content-type": "application/json", ...headers },
        body: body === undefined ? null : JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMs),
      });
      return { status: answer.statusCode, json: parse(await readBounded(answer.body)) };
    } catch (caught) {
      const { code, name } = caught as NodeJS.ErrnoException;
      throw secretTrouble(`Vault does not answer (${code ?? name})`);
    }
  }

  async function exchange(own: { token: Promise<string>; untilMs: number }): Promise<string> {
    if (login.by !== "kubernetes") throw new TypeError("only Kubernetes auth exchanges anything");
    const jwt = await readToken(login.jwtPath);
    const { status, json } = await ask("POST", `auth/${login.mount}/login`, {}, { role: login.role, jwt });
    const answer = LoginAnswer.safeParse(json);
    if (status !== 200 || !answer.success)
      throw secretTrouble(`Vault does not let the sidecar in (HTTP ${status})`);
    const { client_token: token, lease_duration: seconds } = answer.data.auth;
    own.untilMs = clock.monotonicMs() + seconds * 1_000 * USED_SHARE;
    return token;
  }

  function token(): Promise<string> | string {
    if (login.by === "token") return login.token.reveal();
    if (login.by === "file") return readToken(login.path);
    if (session !== undefined && clock.monotonicMs() < session.untilMs) return session.token;
    const own = { token: Promise.resolve(""), untilMs: Number.POSITIVE_INFINITY };
    own.token = exchange(own);
    own.token.catch(() => {
      if (session === own) session = undefined;
    });
    session = own;
    return own.token;
  }

  async function get(path: string, isRepeated = false): Promise<Answer> {
    const answer = await ask("GET", path, { "x-vault-token": await token() });
    // A token that was got may have been revoked before its time; one more is asked for, and only once.
    if (answer.status !== 403 || login.by !== "kubernetes" || isRepeated) return answer;
    session = undefined;
    return await get(path, true);
  }

  return {
    async read(reference) {
      const [path = "", field = ""] = reference.split("#");
      const [mount, ...rest] = path.split("/");
      const { status, json } = await get(`${mount}/data/${rest.join("/")}`);
      if (status === 403) throw noSecret("Vault does not let the sidecar read it");
      if (status === 404) throw noSecret("Vault does not have it");
      const answer = SecretAnswer.safeParse(json);
      if (status !== 200 || !answer.success) throw secretTrouble(`Vault answers HTTP ${status}`);
      const { data } = answer.data.data;
      const value = Object.hasOwn(data, field) ? data[field] : undefined;
      if (typeof value !== "string") throw noSecret("Vault has no text in that field");
      return secretOf(value);
    },
    close: () => dispatcher.destroy(),
  };
}

async function readToken(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (caught) {
    throw secretTrouble(
      `the token for Vault cannot be read (${(caught as NodeJS.ErrnoException).code ?? "unknown"})`,
    );
  }
}

async function readBounded(body: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  for await (const piece of body) {
    sizeBytes += piece.byteLength;
    if (sizeBytes > ANSWER_BYTES_MAX) return "";
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
