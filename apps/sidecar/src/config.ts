// Every setting of the sidecar, those of its tool servers in a file of their own. This file is the only one that reads the environment; a
// default stands here or there and nowhere else.

import {
  type ConfigOf,
  decimal,
  describeSettings,
  type Environment,
  flag,
  httpUrl,
  integer,
  list,
  loadConfig,
  oneOf,
  port,
  secretText,
  setting,
  text,
} from "@postern/config";
import { PublicKeyText, SidecarLabels } from "@postern/contracts";
import { LOG_LEVELS } from "@postern/telemetry";
import { APPROVAL_MODES } from "./approvals/way-of-waiting.ts";
import { STALENESS_MS, toolStaleness } from "./sync/tool-staleness.ts";
import { TRACING_SETTINGS } from "./tracing/tracing-settings.ts";
import {
  isSecretVariable,
  REGISTRY_SETTINGS,
  type RegistryConfig,
  readRegistry,
} from "./upstream/registry/registry-settings.ts";
import { readUpstreams, UPSTREAM_SETTINGS, type UpstreamsConfig } from "./upstream/upstream-settings.ts";

const MIB = 1_048_576;

const SETTINGS = {
  host: setting(
    { env: "POSTERN_SIDECAR_HOST", description: "Address to listen on.", default: "127.0.0.1" },
    text(255),
  ),
  port: setting(
    { env: "POSTERN_SIDECAR_PORT", description: "Port to listen on; 0 = any free one.", default: "8081" },
    port(),
  ),
  controlPlaneUrl: setting(
    {
      env: "POSTERN_CONTROL_PLANE_URL",
      description: "Address of the control plane, such as http://127.0.0.1:8080.",
    },
    httpUrl(),
  ),
  credential: setting(
    {
      env: "POSTERN_SIDECAR_CREDENTIAL",
      description: "Credential that the control plane gave this sidecar.",
    },
    secretText(),
  ),
  trustRoot: setting(
    {
      env: "POSTERN_TRUST_ROOT",
      description: "Root public key (k4.public…) that the control plane's key list must be signed with.",
    },
    PublicKeyText,
  ),
  ...UPSTREAM_SETTINGS,
  ...REGISTRY_SETTINGS,
  allowMethods: setting(
    {
      env: "POSTERN_ALLOW_METHODS",
      description:
        "MCP methods besides tools that may pass, separated by commas: resources/list,resources/read,…",
      default: "",
    },
    list(),
  ),
  requireIntent: setting(
    {
      env: "POSTERN_REQUIRE_INTENT",
      description: "Whether a call without X-Intent-Prompt is denied.",
      default: "false",
    },
    flag(),
  ),
  requireMemoryProvenance: setting(
    {
      env: "POSTERN_REQUIRE_MEMORY_PROVENANCE",
      description: "Whether a tool call without X-Intent-Memory-Provenance is denied.",
      default: "false",
    },
    flag(),
  ),
  extractorUrl: setting(
    {
      env: "POSTERN_EXTRACTOR_URL",
      description: "Intent extractor (POST <url>/v1/extract); unset = the built-in rules.",
      optional: true,
    },
    httpUrl(),
  ),
  extractorTimeoutMs: setting(
    {
      env: "POSTERN_EXTRACTOR_TIMEOUT_MS",
      description: "How long the extractor may take.",
      default: "10000",
    },
    integer({ min: 10, max: 120_000 }),
  ),
  intentConfidenceMin: setting(
    {
      env: "POSTERN_INTENT_CONFIDENCE_MIN",
      description: "Least confidence of an extracted intent, 0 to 1.",
      default: "0.5",
    },
    decimal({ min: 0, max: 1 }),
  ),
  intentTtlMs: setting(
    {
      env: "POSTERN_INTENT_TTL_MS",
      description: "How long an extracted intent is remembered.",
      default: "300000",
    },
    integer({ min: 0, max: 86_400_000 }),
  ),
  stepUpMaxAgeMs: setting(
    {
      env: "POSTERN_STEP_UP_MAX_AGE_MS",
      description: "Oldest step-up that satisfies a policy asking for one.",
      default: "900000",
    },
    integer({ min: 1000, max: 86_400_000 }),
  ),
  policyDeadlineMs: setting(
    {
      env: "POSTERN_POLICY_DEADLINE_MS",
      description: "How long one evaluation of the policy may take; a longer one denies.",
      default: "250",
    },
    integer({ min: 1, max: 60_000 }),
  ),
  stalenessMs: setting(
    {
      env: "POSTERN_STALENESS_MS",
      description:
        "Without proof for this long that its control state is current, the sidecar denies every call.",
      default: "30000",
    },
    integer(STALENESS_MS),
  ),
  stalenessByTool: setting(
    {
      env: "POSTERN_STALENESS_BY_TOOL",
      description:
        "Bounds of their own for classes of tools, such as read_*=60s,delete_*=5s; the smallest that matches a tool applies to it.",
      default: "",
    },
    toolStaleness(),
  ),
  dataDir: setting(
    { env: "POSTERN_DATA_DIR", description: "Folder for the audit spool and the last good control state." },
    text(),
  ),
  spoolDurability: setting(
    {
      env: "POSTERN_SPOOL_DURABILITY",
      description: "os: records survive a killed process; disk: they survive power loss.",
      default: "os",
    },
    oneOf(["os", "disk"]),
  ),
  spoolBytesMax: setting(
    {
      env: "POSTERN_SPOOL_BYTES_MAX",
      description: "Largest audit spool; when it is full, calls are denied.",
      default: String(512 * MIB),
    },
    integer({ min: MIB, max: 1_099_511_627_776 }),
  ),
  auditArgValues: setting(
    {
      env: "POSTERN_AUDIT_ARG_VALUES",
      description: "What an audit event holds of the arguments besides their digest.",
      default: "keys",
    },
    oneOf(["off", "keys", "scalars", "full"]),
  ),
  bodyBytesMax: setting(
    { env: "POSTERN_BODY_BYTES_MAX", description: "Largest request body.", default: String(4 * MIB) },
    integer({ min: 1024, max: 256 * MIB }),
  ),
  receivedBytesMax: setting(
    {
      env: "POSTERN_RECEIVED_BYTES_MAX",
      description: "Largest sum of all request bodies in memory; beyond it requests are answered 503.",
      default: String(128 * MIB),
    },
    integer({ min: MIB, max: 64 * 1024 * MIB }),
  ),
  connectionsMax: setting(
    {
      env: "POSTERN_CONNECTIONS_MAX",
      description: "Connections at once; further ones are closed.",
      default: "4096",
    },
    integer({ min: 16, max: 1_000_000 }),
  ),
  bodyTimeoutMs: setting(
    {
      env: "POSTERN_BODY_TIMEOUT_MS",
      description: "How long a caller may take to send its request.",
      default: "15000",
    },
    integer({ min: 100, max: 600_000 }),
  ),
  allowedHosts: setting(
    {
      env: "POSTERN_ALLOWED_HOSTS",
      description: "Host names that callers may use besides the loopback ones, separated by commas.",
      default: "",
    },
    list(),
  ),
  allowedOrigins: setting(
    {
      env: "POSTERN_ALLOWED_ORIGINS",
      description: "Browser origins that may call besides the loopback ones, separated by commas.",
      default: "",
    },
    list(),
  ),
  publicUrl: setting(
    {
      env: "POSTERN_PUBLIC_URL",
      description:
        "Own address as clients know it, such as https://tools.example.com: what access tokens must be meant for. Unset, it is known on loopback only.",
      optional: true,
    },
    httpUrl().refine(
      (text) => new URL(text).href === `${new URL(text).origin}/`,
      "must have no path and no query",
    ),
  ),
  approvalMode: setting(
    {
      env: "POSTERN_APPROVAL_MODE",
      description:
        "How a caller waits for a person's approval. resume: told to come back; block: kept waiting; protocol: asked by what its MCP client offers.",
      default: "resume",
    },
    oneOf(APPROVAL_MODES),
  ),
  approvalWaitMs: setting(
    {
      env: "POSTERN_APPROVAL_WAIT_MS",
      description:
        "Longest time that one request is held for a person's approval; after it the caller is told to come back.",
      default: "300000",
    },
    integer({ min: 0, max: 86_400_000 }),
  ),
  sessionsMax: setting(
    {
      env: "POSTERN_SESSIONS_MAX",
      description: "MCP sessions remembered; the one unused for longest is forgotten first.",
      default: "10000",
    },
    integer({ min: 1, max: 1_000_000 }),
  ),
  sessionsPerRootMax: setting(
    {
      env: "POSTERN_SESSIONS_PER_TOKEN_MAX",
      description: "Sessions that one token, with all that is attenuated from it, may have open.",
      default: "16",
    },
    integer({ min: 1, max: 100_000 }),
  ),
  streamsPerRootMax: setting(
    {
      env: "POSTERN_STREAMS_PER_TOKEN_MAX",
      description: "Streams that stay open which one token, with all that is attenuated from it, may have.",
      default: "16",
    },
    integer({ min: 1, max: 100_000 }),
  ),
  drainMs: setting(
    {
      env: "POSTERN_DRAIN_MS",
      description: "How long calls in flight may finish, and records may be shipped, after SIGTERM.",
      default: "10000",
    },
    integer({ min: 0, max: 600_000 }),
  ),
  labels: setting(
    {
      env: "POSTERN_LABELS",
      description: "What this sidecar is, for staged rollouts of policies, such as env=prod,team=a.",
      default: "",
    },
    list()
      .refine((words) => words.every((word) => /^[^=]+=[^=]+$/.test(word)), "must be NAME=VALUE,…")
      .transform((words) => Object.fromEntries(words.map((word) => word.split("="))))
      .pipe(SidecarLabels),
  ),
  ...TRACING_SETTINGS,
  logLevel: setting(
    { env: "POSTERN_LOG_LEVEL", description: "Least level that is logged.", default: "info" },
    oneOf(LOG_LEVELS),
  ),
} as const;

export interface SidecarConfig
  extends Omit<
      ConfigOf<typeof SETTINGS>,
      | ("upstreamUrl" | "upstreamName" | "upstreamCommand" | "upstreamHeaders" | keyof UpstreamsConfig)
      | keyof typeof REGISTRY_SETTINGS
    >,
    UpstreamsConfig,
    RegistryConfig {}

/**
 * @throws Fault invalid "config.invalid": every wrong or missing setting.
 */
export function readConfig(environment: Environment = process.env): {
  config: SidecarConfig;
  unknown: readonly string[];
} {
  const { config, unknown } = loadConfig(SETTINGS, environment);
  const { upstreamUrl, upstreamName, upstreamCommand, upstreamHeaders, ...others } = config;
  const { registry, registryHosts, secretsDir, vaultAddress, vaultToken, vaultTokenFile, ...more } = others;
  const { vaultRole, vaultLoginMount, vaultJwtFile, vaultTtlMs, ...rest } = more;
  const upstreams = readUpstreams(config, environment, { mayBeNone: registry === "on" });
  return {
    config: Object.freeze({ ...rest, ...upstreams, ...readRegistry(config, environment) }),
    unknown: unknown.filter((name) => !isSecretVariable(name)),
  };
}

/** The settings as text for `--help`. */
export const settingsHelp = (): string => describeSettings(SETTINGS);
