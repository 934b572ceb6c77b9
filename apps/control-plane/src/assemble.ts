// The control plane over a given database: domain, doors and the application that serves them. It opens nothing and starts nothing, so that
// tests run the very same thing as `main`.
import { hkdfSync } from "node:crypto";
import { type Clock, Fault, type NewId, toFault } from "@postern/fault";
import { mount } from "@postern/surface";
import { createMetrics, type Logger } from "@postern/telemetry";
import { sql } from "drizzle-orm";
import { Hono } from "hono";
import { createAnnouncements } from "./database/announcements.ts";
import type { Database } from "./database/connection.ts";
import { journal } from "./domain/audit/append.ts";
import type { JsonFetch } from "./domain/issuers/json-fetch.ts";
import type { MasterKey } from "./domain/keys/master-key.ts";
import { createNouns, type Nouns } from "./domain/nouns.ts";
import type { PolicyCompiler } from "./domain/policies/compiler.ts";
import { createFeed, type Feed } from "./domain/states/feed.ts";
import { DEFAULT_TENANT } from "./domain/tenants/model.ts";
import { ensureSystemTenant, ensureTenant } from "./domain/tenants/service.ts";
import { type Actor, createUnits, type Units } from "./domain/unit.ts";
import type { WebhookSender } from "./domain/webhooks/sender.ts";
import type { AdminToken } from "./surfaces/admin/auth.ts";
import { createAdminSurface } from "./surfaces/admin/surface.ts";
import { mountConsole } from "./surfaces/console/console.ts";
import { interfaceDocument } from "./surfaces/document.ts";
import { failureOf } from "./surfaces/failure.ts";
import { createFleetSurface } from "./surfaces/fleet/surface.ts";
import type { IdentityProvider } from "./surfaces/login/identity-provider.ts";
import { createLoginSurface } from "./surfaces/login/surface.ts";
import { createOperationsSurface } from "./surfaces/operations/surface.ts";
import { mountReference } from "./surfaces/reference/reference.ts";
import { createReport } from "./surfaces/report.ts";

export interface ControlPlaneParts {
  readonly database: Database;
  readonly masterKey: MasterKey;
  readonly compile: PolicyCompiler;
  readonly fetchJson: JsonFetch;
  readonly webhookSender: WebhookSender;
  readonly tokens: readonly AdminToken[];
  readonly loginFailuresPerMinute: number;
  /** With which operators may log in; absent = with none. */
  readonly identityProvider?: IdentityProvider | undefined;
  readonly logHost: string;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly log: Logger;
}

export interface ControlPlane {
  readonly app: Hono;
  readonly nouns: Nouns;
  readonly units: Units;
  readonly feed: Feed;
  /** In whose name the control plane acts when nobody asks it to. */
  readonly actor: Actor;
  /** Calls `hear` after a commit that put something in line for webhooks. */
  onNotices(hear: () => void): void;
  /** What keeps it from doing its work. */
  problems(): Promise<readonly string[]>;
  /** Tells of the failed logins that were too many to tell one by one. */
  tellFailedLogins(): Promise<void>;
}

/** Also makes the tenants that there must be. The database must be migrated. */
export async function assemble(parts: ControlPlaneParts): Promise<ControlPlane> {
  const { database, masterKey, clock, log, newId } = parts;
  const actor: Actor = { name: "control-plane", remoteAddress: "", requestId: "" };
  const announcer = createAnnouncements(database, newId());
  const nouns = createNouns(parts);
  let hearNotices = () => {};
  const outbox = { keep: nouns.webhooks.keep, committed: () => hearNotices() };
  const units = createUnits({ database, clock, newId, journal, outbox, announcer });
  const feed = createFeed({ units, states: nouns.states, clock, actor });
  await announcer.listen((tenant) => {
    feed.hear(tenant).catch((caught: unknown) => log.error("a change could not be told", caught, { tenant }));
  });
  await makeTenants(units, actor, parts.tokens);
  const keyProblem =
    masterKey === undefined ? "the master key is not configured" : await tryKeys(units, nouns, actor);

  async function problems(): Promise<readonly string[]> {
    const found = keyProblem === undefined ? [] : [keyProblem];
    try {
      await units.read((executor) => executor.execute(sql`select 1`));
      return found;
    } catch (caught) {
      return [...found, toFault(caught).message];
    }
  }

  const app = new Hono();
  const { tellFailedLogins } = mountDoors(app, { ...parts, nouns, units, feed, problems });
  return {
    ...{ app, nouns, units, feed, actor, problems, tellFailedLogins },
    onNotices(hear) {
      hearNotices = hear;
    },
  };
}

function mountDoors(
  app: Hono,
  ports: ControlPlaneParts & Pick<ControlPlane, "nouns" | "units" | "feed" | "problems">,
): Pick<ControlPlane, "tellFailedLogins"> {
  const { log, clock, newId, masterKey, randomBytes } = ports;
  const metrics = createMetrics([
    "httpRequests",
    "httpDuration",
    "auditIngested",
    "auditAppended",
    "auditForks",
    "sidecarsConnected",
  ]);
  const report = createReport({ log, metrics });
  // Replicas that share the master key read each other's cursors.
  const cursorSecret =
    masterKey === undefined
      ? randomBytes(32)
      : new Uint8Array(hkdfSync("sha256", masterKey, "", "postern/cursor-secret/v1", 32));
  const admin = createAdminSurface({ ...ports, report, cursorSecret });
  const login = createLoginSurface({ ...ports, ...admin, report, cursorSecret });
  const fleet = createFleetSurface({ ...ports, report, metrics });
  let document: Record<string, unknown> | undefined;
  const operations = createOperationsSurface(
    {
      problems: ports.problems,
      metrics: () => metrics.expose(),
      openapi: () => {
        document ??= interfaceDocument();
        return document;
      },
    },
    report,
  );
  mount(app, admin, { clock, newId });
  mount(app, login, { clock, newId });
  mount(app, fleet, { clock, newId });
  mount(app, operations, { clock, newId });
  mountConsole(app);
  mountReference(app);
  app.notFound((c) => {
    const { status, body } = failureOf(new Fault("not_found", "http.path", "There is nothing here."));
    return c.json(body, status as 404);
  });
  return { tellFailedLogins: admin.failures.tellUnheard };
}

async function makeTenants(units: Units, actor: Actor, tokens: readonly AdminToken[]): Promise<void> {
  const named = tokens.flatMap(({ principal }) =>
    principal.kind === "tenant-admin" ? [principal.tenant] : [],
  );
  await units.commit(actor, async (unit) => {
    await ensureSystemTenant(unit);
    for (const tenant of new Set([DEFAULT_TENANT, ...named].sort())) await ensureTenant(unit, tenant);
  });
}

/** Whether the master key opens what is stored; makes the default tenant's keys when there are none. */
async function tryKeys(units: Units, nouns: Nouns, actor: Actor): Promise<string | undefined> {
  try {
    await units.commit(actor, (unit) => nouns.keys.signer(unit, DEFAULT_TENANT, "state"));
    return undefined;
  } catch (caught) {
    return toFault(caught).message;
  }
}
