// The only code that knows Hono: request id → credential → permission → input → unit of work → reply. Whatever goes wrong under a door's
// prefix, 404 and 405 included, leaves in that door's envelope.
import { type Clock, Fault, type NewId, randomId, systemClock, toFault } from "@postern/fault";
import type { Hono, Context as HonoContext } from "hono";
import type { Door, Surface } from "./door.ts";
import { readQuery } from "./input.ts";
import type { Operation, RequestInfo } from "./operation.ts";
import { type Prepared, prepareReply, toResponse } from "./reply.ts";
import { BODY_BYTES_MAX, readJson, refuseBody } from "./request-body.ts";

export interface MountOptions {
  readonly clock?: Clock;
  readonly newId?: NewId;
}

/** Adds the door's rows to the application. Raises an Error at once when two rows clash or a row lies outside the door's prefixes. */
export function mount<Principal, Context>(
  app: Hono,
  { door, rows }: Surface<Principal, Context>,
  options: MountOptions = {},
): void {
  const serving: Serving<Principal, Context> = {
    door,
    clock: options.clock ?? systemClock,
    newId: options.newId ?? randomId,
  };
  const methodsByPath = new Map<string, string[]>();
  for (const row of rows) {
    const path = honoPath(row.path);
    if (!door.prefixes.some((prefix) => row.path === prefix || row.path.startsWith(`${prefix}/`)))
      throw new Error(`${row.id}: ${row.path} lies outside the door ${door.name}`);
    const methods = methodsByPath.get(path) ?? [];
    if (methods.includes(row.method)) throw new Error(`${row.id}: ${row.method} ${row.path} is taken`);
    methodsByPath.set(path, [...methods, row.method]);
    app.on(row.method, path, (c) => serve(serving, row, c));
  }
  for (const [path, methods] of methodsByPath) app.all(path, (c) => serveOther(serving, methods, c));
  for (const prefix of door.prefixes) {
    app.all(prefix, (c) => serveOther(serving, [], c));
    app.all(`${prefix}/*`, (c) => serveOther(serving, [], c));
  }
}

interface Serving<Principal, Context> {
  readonly door: Door<Principal, Context>;
  readonly clock: Clock;
  readonly newId: NewId;
}

const REQUEST_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

async function serve<Principal, Context>(
  { door, clock, newId }: Serving<Principal, Context>,
  row: Operation<Context>,
  c: HonoContext,
): Promise<Response> {
  const startMs = clock.monotonicMs();
  const request = describe(c, newId);
  let principal: Principal | undefined;
  let fault: Fault | undefined;
  let response: Response;
  try {
    if (row.permission !== "public") principal = await admit(door, row, request);
    const work = row.prepare({ ...(await readInput(door, row, c)), request });
    const reply = await door.within({ principal, operation: row, request }, async (context) =>
      prepareReply(row, await work(context)),
    );
    response = toResponse(reply, request, (caught) => reportStream(caught));
  } catch (caught) {
    fault = toFault(caught);
    response = failed(door, fault, request);
  }
  report(fault);
  return response;

  function report(trouble: Fault | undefined): void {
    const durationMs = clock.monotonicMs() - startMs;
    door.report?.({
      request,
      operation: row,
      principal,
      status: response.status,
      fault: trouble,
      durationMs,
    });
  }
  function reportStream(caught: unknown): void {
    report(toFault(caught));
  }
}

async function admit<Principal, Context>(
  door: Door<Principal, Context>,
  row: Operation<Context>,
  request: RequestInfo,
): Promise<Principal> {
  const principal = await door.authenticate(request);
  if (principal instanceof Fault) throw principal;
  const refusal = door.authorize(principal, row.permission);
  if (refusal !== undefined) throw refusal;
  return principal;
}

async function readInput<Principal, Context>(
  door: Door<Principal, Context>,
  row: Operation<Context>,
  c: HonoContext,
): Promise<{ params: unknown; query: unknown; body: unknown }> {
  const raw = c.req.raw;
  const bytesMax = row.bodyBytesMax ?? door.limits?.bodyBytesMax ?? BODY_BYTES_MAX;
  if (row.body === undefined) refuseBody(raw);
  return {
    params: c.req.param(),
    query: readQuery(new URL(raw.url).searchParams),
    body: row.body === undefined ? undefined : await readJson(raw, bytesMax, row.bodyDepthMax),
  };
}

/** Answers what no row answers: OPTIONS with the methods there are, 405 where the path exists, 404 elsewhere. */
function serveOther<Principal, Context>(
  { door, clock, newId }: Serving<Principal, Context>,
  methods: readonly string[],
  c: HonoContext,
): Response {
  const startMs = clock.monotonicMs();
  const request = describe(c, newId);
  const allowed = [...methods, ...(methods.includes("GET") ? ["HEAD"] : []), "OPTIONS"].join(", ");
  const isOptions = request.method === "OPTIONS" && methods.length > 0;
  const fault = isOptions
    ? undefined
    : methods.length > 0
      ? new Fault("invalid", "http.method", `This path answers ${allowed}.`)
      : new Fault("not_found", "http.path", "There is nothing here.");
  const response = fault === undefined ? toResponse(EMPTY, request, () => {}) : failed(door, fault, request);
  if (methods.length > 0) response.headers.set("allow", allowed);
  const durationMs = clock.monotonicMs() - startMs;
  door.report?.({
    request,
    operation: undefined,
    principal: undefined,
    status: response.status,
    fault,
    durationMs,
  });
  return response;
}

const EMPTY: Prepared = { status: 204, mediaType: undefined, body: undefined, headers: {} };

function failed<Principal, Context>(
  door: Door<Principal, Context>,
  fault: Fault,
  request: RequestInfo,
): Response {
  const { status, body, headers = {} } = door.failure(fault, request);
  // After 413 the rest of the body was not read, so the connection cannot carry another request.
  const closing: Record<string, string> = fault.kind === "too_large" ? { connection: "close" } : {};
  const mediaType = headers["content-type"] ?? "application/json";
  return toResponse(
    { status, mediaType, body: JSON.stringify(body), headers: { ...headers, ...closing } },
    request,
    () => {},
  );
}

function describe(c: HonoContext, newId: NewId): RequestInfo {
  const raw = c.req.raw;
  const env: NodeEnv | undefined = c.env;
  const sentId = raw.headers.get("x-request-id");
  return {
    id: sentId !== null && REQUEST_ID.test(sentId) ? sentId : newId(),
    method: raw.method,
    path: new URL(raw.url).pathname,
    headers: raw.headers,
    remoteAddress: env?.incoming?.socket?.remoteAddress ?? "",
    signal: raw.signal,
  };
}

/** What `@hono/node-server` hands along with each request. */
interface NodeEnv {
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } };
}

function honoPath(path: string): string {
  return path.replace(/\{([^}]*)\}/g, ":$1");
}
