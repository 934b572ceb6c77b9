// Every setting of the control plane. This file is the only one that reads the environment; a default stands here and nowhere else.
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import {
  type ConfigOf,
  describeSettings,
  type Environment,
  flag,
  integer,
  loadConfig,
  oneOf,
  port,
  type Secret,
  secret,
  secretText,
  setting,
  text,
} from "@postern/config";
import { TenantId } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { LOG_LEVELS } from "@postern/telemetry";
import { z } from "zod";
import { OIDC_SETTINGS, type OidcSettings, readOidc } from "./oidc-settings.ts";

export const SETTINGS = {
  dataDirectory: setting(
    {
      env: "POSTERN_DATA_DIR",
      description: "Folder of the embedded database and its master key. Not used when a database URL is set.",
      default: ".postern",
    },
    text(),
  ),
  host: setting(
    { env: "POSTERN_HOST", description: "Address to listen on.", default: "127.0.0.1" },
    text(255),
  ),
  port: setting(
    { env: "POSTERN_PORT", description: "Port to listen on; 0 = any free one.", default: "8080" },
    port(),
  ),
  mode: setting(
    {
      env: "POSTERN_MODE",
      description: "In production the embedded database is refused.",
      default: "development",
    },
    oneOf(["development", "production"]),
  ),
  databaseUrl: setting(
    {
      env: "POSTERN_DATABASE_URL",
      aliases: ["DATABASE_URL", "INTENTGATE_POSTGRES_URL"],
      description: "postgres:// URL. Without it the embedded database is used.",
      optional: true,
    },
    secretText(),
  ),
  databaseConnections: setting(
    {
      env: "POSTERN_DATABASE_CONNECTIONS",
      description: "Largest number of connections to Postgres.",
      default: "10",
    },
    integer({ min: 2, max: 1000 }),
  ),
  masterKey: setting(
    {
      env: "POSTERN_MASTER_KEY",
      aliases: ["INTENTGATE_MASTER_KEY"],
      description:
        "Base64 of at least 32 bytes, under which signing keys are stored. The embedded database makes its own when it is unset.",
      optional: true,
    },
    secretText(),
  ),
  adminToken: setting(
    {
      env: "POSTERN_ADMIN_TOKEN",
      aliases: ["INTENTGATE_ADMIN_TOKEN"],
      description: "The superadmin's bearer token.",
      optional: true,
    },
    secretText(),
  ),
  adminTokenPrevious: setting(
    {
      env: "POSTERN_ADMIN_TOKEN_PREVIOUS",
      aliases: ["INTENTGATE_ADMIN_TOKEN_PREVIOUS"],
      description: "The superadmin's token before, accepted beside it while it is being replaced.",
      optional: true,
    },
    secretText(),
  ),
  tenantAdminTokens: setting(
    {
      env: "POSTERN_TENANT_ADMIN_TOKENS",
      aliases: ["INTENTGATE_TENANT_ADMIN_TOKENS", "INTENTGATE_TENANT_ADMINS"],
      description:
        "Tokens of tenants' admins: tenant:token,tenant:token. The tenants are made when they are new. A tenant that is named twice has two.",
      optional: true,
    },
    secretText(),
  ),
  loginFailuresPerMinute: setting(
    {
      env: "POSTERN_LOGIN_FAILURES_PER_MINUTE",
      description: "Failed admin logins that one address may make in a minute before it must wait.",
      default: "20",
    },
    integer({ min: 1, max: 10_000 }),
  ),
  ...OIDC_SETTINGS,
  issuersMayBePrivate: setting(
    {
      env: "POSTERN_ISSUERS_MAY_BE_PRIVATE",
      description:
        "Whether identity providers may be at loopback and private addresses. Default: only in development mode.",
      optional: true,
    },
    flag(),
  ),
  webhooksMayBePrivate: setting(
    {
      env: "POSTERN_WEBHOOKS_MAY_BE_PRIVATE",
      description:
        "Whether webhooks may be sent to loopback and private addresses, and over plain HTTP. Default: only in development mode.",
      optional: true,
    },
    flag(),
  ),
  opaPath: setting(
    {
      env: "POSTERN_OPA_BIN",
      aliases: ["OPA_BIN"],
      description: "The opa executable that compiles policies. Default: `opa` on the PATH.",
      optional: true,
    },
    text(),
  ),
  logHost: setting(
    {
      env: "POSTERN_LOG_ORIGIN",
      description: "First part of the name of every tenant's log; the second is the tenant. Never change it.",
      default: "postern.local",
    },
    z.string().regex(/^[a-z0-9][a-z0-9./-]{0,127}$/, "must be like a host name"),
  ),
  logLevel: setting(
    { env: "POSTERN_LOG_LEVEL", description: "Least severe log lines to write.", default: "info" },
    oneOf(LOG_LEVELS),
  ),
} as const;

export type Config = Omit<
  ConfigOf<typeof SETTINGS>,
  "tenantAdminTokens" | "issuersMayBePrivate" | "webhooksMayBePrivate"
> & {
  readonly issuersMayBePrivate: boolean;
  readonly webhooksMayBePrivate: boolean;
  readonly tenantAdminTokens: readonly { tenant: string; token: Secret }[];
  /** undefined where no identity provider is configured. */
  readonly oidc: OidcSettings | undefined;
};

export interface LoadedControlPlaneConfig {
  readonly config: Config;
  /** Variables that look like ours and are not. */
  readonly unknown: readonly string[];
}

/** @throws Fault invalid "config.invalid". */
export function readConfig(environment: Environment = process.env): LoadedControlPlaneConfig {
  const { config, unknown } = loadConfig(SETTINGS, environment);
  if (config.mode === "production" && config.databaseUrl === undefined) {
    throw new Fault(
      "invalid",
      "config.invalid",
      "In production mode POSTERN_DATABASE_URL is required: the embedded database is not durable against power loss.",
    );
  }
  const opaPath = config.opaPath ?? findOnPath("opa", environment.PATH ?? "");
  return {
    config: {
      ...config,
      opaPath,
      issuersMayBePrivate: config.issuersMayBePrivate ?? config.mode === "development",
      webhooksMayBePrivate: config.webhooksMayBePrivate ?? config.mode === "development",
      tenantAdminTokens: readTenantTokens(config.tenantAdminTokens),
      oidc: readOidc(config),
    },
    unknown,
  };
}

export function help(): string {
  return `Postern control plane.\n\nSettings (environment; NAME_FILE names a file that holds the value):\n${describeSettings(SETTINGS)}\n`;
}

function readTenantTokens(setting: Secret | undefined): Config["tenantAdminTokens"] {
  const rows = setting?.reveal().split(",") ?? [];
  return rows
    .map((row) => row.trim())
    .filter((row) => row !== "")
    .map((row) => {
      const at = row.indexOf(":");
      const tenant = row.slice(0, Math.max(at, 0));
      const token = row.slice(at + 1);
      if (at < 0 || token === "" || !TenantId.safeParse(tenant).success) {
        throw new Fault(
          "invalid",
          "config.invalid",
          "POSTERN_TENANT_ADMIN_TOKENS must be tenant:token,tenant:token with tenant names of lower-case letters, digits and inner hyphens.",
        );
      }
      return { tenant, token: secret(token) };
    });
}

function findOnPath(name: string, path: string): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
