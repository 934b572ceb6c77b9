// The composition root: opens every part in order and hands back one thing that can be stopped, in the opposite order.
import { randomBytes } from "node:crypto";
import { randomId, systemClock } from "@postern/fault";
import type { Logger } from "@postern/telemetry";
import { assemble, type ControlPlane } from "./assemble.ts";
import type { Config } from "./config.ts";
import type { Database } from "./database/connection.ts";
import { openEmbedded } from "./database/embedded.ts";
import { migrate } from "./database/migrate.ts";
import { openPostgres } from "./database/postgres.ts";
import { createJsonFetch } from "./domain/issuers/json-fetch.ts";
import { createKeySets } from "./domain/issuers/key-sets.ts";
import { type MasterKey, readMasterKey } from "./domain/keys/master-key.ts";
import { masterKeyOf } from "./domain/keys/master-key-file.ts";
import { createPolicyCompiler } from "./domain/policies/compiler.ts";
import { createWebhookSender } from "./domain/webhooks/sender.ts";
import { assertFree, listen } from "./listener.ts";
import type { AdminToken } from "./surfaces/admin/auth.ts";
import { createIdentityProvider, type IdentityProvider } from "./surfaces/login/identity-provider.ts";
import { createWebhookDelivery } from "./workers/deliver-webhooks.ts";
import { every, type Loop } from "./workers/every.ts";
import { expireApprovals } from "./workers/expire-approvals.ts";
import { pruneWebhooks } from "./workers/prune-webhooks.ts";
import { renewBundles } from "./workers/renew-bundles.ts";
import { signCheckpoints } from "./workers/sign-checkpoints.ts";
import { watchRollouts } from "./workers/watch-rollouts.ts";

export interface Running {
  readonly url: string;
  /** Ends streams, lets requests finish, stops the workers and gives the database back. */
  stop(): Promise<void>;
}

const HEARTBEAT_MS = 1_000;
const CHECKPOINT_MS = 1_000;
const DELIVER_MS = 1_000;
const EXPIRE_MS = 2_000;
const WATCH_MS = 1_000;
const RENEW_MS = 3_600_000;
const PRUNE_MS = 600_000;
const FAILED_LOGINS_MS = 60_000;
const GRACE_MS = 10_000;

/**
 * Faults: unavailable "listener.address", before anything is made; conflict "database.locked"; invalid "database.folder";
 * unavailable "database.unavailable"; invalid "keys.master_key".
 */
export async function start(config: Config, log: Logger): Promise<Running> {
  await assertFree(config);
  const database = await openDatabase(config, log);
  try {
    const applied = await migrate(database);
    if (applied.length > 0) log.info("database migrated", { versions: applied });
    const controlPlane = await assemble({
      database,
      masterKey: masterKeyFor(config),
      compile: createPolicyCompiler({ opaPath: config.opaPath }),
      fetchJson: createJsonFetch({ mayBePrivate: config.issuersMayBePrivate }),
      webhookSender: createWebhookSender({ mayBePrivate: config.webhooksMayBePrivate }),
      tokens: tokensOf(config),
      identityProvider: identityProviderOf(config),
      loginFailuresPerMinute: config.loginFailuresPerMinute,
      logHost: config.logHost,
      clock: systemClock,
      newId: randomId,
      randomBytes,
      log,
    });
    for (const problem of await controlPlane.problems()) log.warn("not ready", { problem });
    if (config.adminToken === undefined) log.warn("no superadmin token is configured (POSTERN_ADMIN_TOKEN)");
    const listener = await listen(controlPlane.app, config);
    const loops = startLoops(controlPlane, log);
    return {
      url: listener.url,
      async stop() {
        controlPlane.feed.close();
        await listener.close(GRACE_MS);
        await Promise.all(loops.map((loop) => loop.stop()));
        await controlPlane.tellFailedLogins();
        await database.close();
      },
    };
  } catch (caught) {
    await database.close();
    throw caught;
  }
}

async function openDatabase(config: Config, log: Logger): Promise<Database> {
  if (config.databaseUrl !== undefined) {
    return openPostgres({ url: config.databaseUrl.reveal(), connectionsMax: config.databaseConnections });
  }
  log.warn("the embedded database is used: it is not durable against power loss", {
    data_directory: config.dataDirectory,
  });
  return await openEmbedded(config.dataDirectory);
}

/** Only the embedded default makes a master key by itself. */
function masterKeyFor(config: Config): MasterKey {
  if (config.masterKey !== undefined) return readMasterKey(config.masterKey.reveal());
  return config.databaseUrl === undefined ? masterKeyOf(config.dataDirectory, randomBytes) : undefined;
}

/** Its address is the installation's own choice, so it may be in a private network. */
function identityProviderOf({ oidc: settings }: Config): IdentityProvider | undefined {
  if (settings === undefined) return undefined;
  const keySets = createKeySets({ fetchJson: createJsonFetch({ mayBePrivate: true }), clock: systemClock });
  return createIdentityProvider({ settings, keySets, clock: systemClock });
}

function tokensOf(config: Config): readonly AdminToken[] {
  const superadmin = [config.adminToken, config.adminTokenPrevious].flatMap((token): AdminToken[] =>
    token === undefined ? [] : [{ token: token.reveal(), principal: { kind: "superadmin" } }],
  );
  const tenants = config.tenantAdminTokens.map(({ tenant, token }): AdminToken => {
    return { token: token.reveal(), principal: { kind: "tenant-admin", tenant } };
  });
  return [...superadmin, ...tenants];
}

function startLoops(controlPlane: ControlPlane, log: Logger): readonly Loop[] {
  const { feed, nouns, units, actor } = controlPlane;
  const delivery = createWebhookDelivery({ webhooks: nouns.webhooks, units, actor, clock: systemClock, log });
  controlPlane.onNotices(delivery.wake);
  return [
    every(DELIVER_MS, "deliver-webhooks", log, async () => delivery.wake()),
    delivery,
    every(PRUNE_MS, "prune-webhooks", log, () => pruneWebhooks(nouns, units, actor)),
    every(HEARTBEAT_MS, "heartbeat", log, () => feed.beat()),
    every(CHECKPOINT_MS, "sign-checkpoints", log, () => signCheckpoints(nouns, units, actor)),
    every(WATCH_MS, "watch-rollouts", log, () => watchRollouts(nouns, units, actor)),
    every(RENEW_MS, "renew-bundles", log, () => renewBundles(nouns, units, actor, systemClock)),
    every(EXPIRE_MS, "expire-approvals", log, () => expireApprovals(nouns, units, actor)),
    every(FAILED_LOGINS_MS, "tell-failed-logins", log, () => controlPlane.tellFailedLogins()),
    every(PRUNE_MS, "prune-budgets", log, async () => void (await nouns.budgets.prune())),
  ];
}
