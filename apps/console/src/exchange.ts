// One request to the admin interface. The token, and the elevation that the reader acts under, travel in headers and nowhere else; every
// refusal and every failure becomes a Trouble that can be shown to the reader as it is.
import { printQuery } from "./route.ts";

/** Why an answer did not come. `status` 0 = the control plane was not reached. `code` is its stable word, or "". */
export interface Trouble extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string;
}

export interface ExchangePorts {
  readonly fetch: (path: string, init: RequestInit) => Promise<Response>;
  readonly token: string;
  /** Hears once for each answer 401, before the Trouble is raised. */
  readonly onUnauthenticated: (message: string) => void;
  /** The elevation that calls are made under; undefined = none. */
  readonly elevationId?: () => string | undefined;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;
export interface Asked {
  readonly query?: Query;
  readonly body?: object;
}

/** Every function raises Trouble. Replies are taken as documented; the page shows texts only. */
export interface Exchange {
  send(method: string, path: string, asked?: Asked): Promise<Response>;
  json<T>(method: string, path: string, asked?: Asked): Promise<T>;
  act(method: string, path: string, asked?: Asked): Promise<void>;
}

export function createExchange({
  fetch,
  token,
  onUnauthenticated,
  elevationId = () => undefined,
}: ExchangePorts): Exchange {
  async function send(method: string, path: string, { query = {}, body }: Asked = {}): Promise<Response> {
    const search = printQuery(query);
    const headers: Record<string, string> = { authorization: `Bearer ${token}` };
    const elevation = elevationId();
    if (elevation !== undefined) headers["x-postern-elevation-id"] = elevation;
    if (body !== undefined) headers["content-type"] = "application/json";
    const response = await fetch(`/v1/admin${path}${search === "" ? "" : `?${search}`}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
    }).catch(() => {
      throw trouble({
        status: 0,
        message: "The control plane cannot be reached. Check that it runs, then try again.",
      });
    });
    if (response.ok) return response;
    const failure = await readFailure(response);
    if (failure.status === 401) onUnauthenticated(failure.message);
    throw failure;
  }
  return {
    send,
    async json<T>(method: string, path: string, asked?: Asked): Promise<T> {
      const response = await send(method, path, asked);
      return (await response.json()) as T;
    },
    async act(method, path, asked) {
      await send(method, path, asked);
    },
  };
}

export function isTrouble(caught: unknown): caught is Trouble {
  return caught instanceof Error && "status" in caught && "code" in caught;
}

/** "There is none" is an answer, not a failure. */
export function absentWhenNotFound(caught: unknown): undefined {
  if (isTrouble(caught) && caught.status === 404) return undefined;
  throw caught;
}

function trouble(of: { status: number; message: string; code?: string; requestId?: string }): Trouble {
  const { status, message, code = "", requestId = "" } = of;
  return Object.assign(new Error(message), { status, code, requestId });
}

/** The sentence of `{"error", "code"}`; a proxy in between may have answered something else. */
async function readFailure(response: Response): Promise<Trouble> {
  const { status } = response;
  const requestId = response.headers.get("x-request-id") ?? "";
  const body: unknown = await response.json().catch(() => undefined);
  const { error, code } = (body ?? {}) as { error?: unknown; code?: unknown };
  const message = typeof error === "string" ? error : `The control plane answered HTTP ${status}.`;
  return trouble({ status, message, code: typeof code === "string" ? code : "", requestId });
}
