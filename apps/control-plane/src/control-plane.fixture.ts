// A whole control plane for a test, on either engine: a database of the test's own, a clock that the test moves, and requests straight into
// the application.
import { randomBytes } from "node:crypto";
import type { TestContext } from "node:test";
import { PGlite } from "@electric-sql/pglite";
import { randomId } from "@postern/fault";
import { silentLogger } from "@postern/telemetry";
import { defer, type FixedClock, fixedClock, throwawayPostgres } from "@postern/testkit";
import { assemble, type ControlPlane, type ControlPlaneParts } from "./assemble.ts";
import { readConfig } from "./config.ts";
import type { Database } from "./database/connection.ts";
import { embeddedDatabase } from "./database/embedded.ts";
import { migrate } from "./database/migrate.ts";
import { openPostgres } from "./database/postgres.ts";
import { createJsonFetch } from "./domain/issuers/json-fetch.ts";
import { createPolicyCompiler, type PolicyCompiler } from "./domain/policies/compiler.ts";
import { regoDigest } from "./domain/policies/model.ts";
import { createWebhookSender } from "./domain/webhooks/sender.ts";

export const ENGINES = ["embedded", "postgres"] as const;
export type Engine = (typeof ENGINES)[number];

export const SUPERADMIN = "the-superadmin";
export const ACME = "the-admin-of-acme";
export const BETA = "the-admin-of-beta";

export interface TestPlane extends ControlPlane {
  readonly clock: FixedClock;
  readonly database: Database;
  readonly parts: ControlPlaneParts;
  request(method: string, path: string, options?: RequestOptions): Promise<TestAnswer>;
}

export interface RequestOptions {
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

export interface TestAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads answers as freely as a client without types would.
  readonly json: any;
}

/** undefined when the engine cannot be had here; the test is skipped then. */
export async function testPlane(
  t: TestContext,
  engine: Engine,
  change: Partial<ControlPlaneParts> = {},
): Promise<TestPlane | undefined> {
  const database = await emptyDatabase(t, engine);
  if (database === undefined) return undefined;
  const clock = fixedClock();
  const parts: ControlPlaneParts = {
    database,
    masterKey: new Uint8Array(32).fill(7),
    compile: pretendToCompile,
    fetchJson: createJsonFetch({ mayBePrivate: true }),
    webhookSender: createWebhookSender({ mayBePrivate: true }),
    tokens: [
      { token: SUPERADMIN, principal: { kind: "superadmin" } },
      { token: ACME, principal: { kind: "tenant-admin", tenant: "acme" } },
      { token: BETA, principal: { kind: "tenant-admin", tenant: "beta" } },
    ],
    loginFailuresPerMinute: 20,
    logHost: "logs.example",
    clock,
    newId: randomId,
    randomBytes,
    log: silentLogger,
    ...change,
  };
  return { ...(await planeOver(parts)), clock, database, parts };
}

/** A further control plane over the same database, as another replica or after a restart. */
export async function planeOver(parts: ControlPlaneParts) {
  const plane = await assemble(parts);
  return {
    ...plane,
    async request(method: string, path: string, options: RequestOptions = {}): Promise<TestAnswer> {
      const { token = SUPERADMIN, body, headers = {} } = options;
      const response = await plane.app.request(path, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      const isJson = response.headers.get("content-type") === "application/json" && text !== "";
      return {
        status: response.status,
        headers: response.headers,
        text,
        json: isJson ? JSON.parse(text) : undefined,
      };
    },
  };
}

// Making an embedded database takes seconds; copying a made one takes half of one.
let template: Promise<Blob> | undefined;

async function makeTemplate(): Promise<Blob> {
  const client = await PGlite.create();
  await migrate(embeddedDatabase(client, () => {}));
  const copy = await client.dumpDataDir("none");
  await client.close();
  return copy;
}

/** A migrated, empty database that ends with the test. */
export async function emptyDatabase(t: TestContext, engine: Engine): Promise<Database | undefined> {
  if (engine === "embedded") {
    template ??= makeTemplate();
    const client = await PGlite.create({ loadDataDir: await template });
    const database = embeddedDatabase(client, () => {});
    defer(t, () => database.close());
    return database;
  }
  const address = await throwawayPostgres(t);
  if (address === undefined) return undefined;
  const database = openPostgres({ url: address.url, connectionsMax: 5 });
  defer(t, () => database.close());
  await migrate(database);
  return database;
}

/** The Rego compiler of this machine; undefined and a skipped test where there is none. */
export function opaCompiler(t: TestContext): PolicyCompiler | undefined {
  const { opaPath } = readConfig().config;
  if (opaPath === undefined) t.skip("opa was not found: put it on the PATH or name it in OPA_BIN");
  return opaPath === undefined ? undefined : createPolicyCompiler({ opaPath });
}

/** Stands in for the compiler where what it makes is never evaluated: the smallest module that is one. */
export async function pretendToCompile(source: string) {
  const compiled = {
    wasm: Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0),
    dataJson: "{}",
    inputPaths: ["tool"],
    capabilitiesSha256: "0".repeat(64),
    compiler: "none",
    sources: { "policy.rego": source },
  };
  return { source, sha256: regoDigest(source), compiled };
}
