// Every setting of the sidecar. This file is the only one that reads the environment; a default stands here and nowhere else.

import {
  type ConfigOf,
  decimal,
  describeSettings,
  type Environment,
  flag,
  httpUrl,
  integer,
  json,
  list,
  loadConfig,
  oneOf,
  port,
  secretText,
  setting,
  text,
} from "@postern/config";
import { PublicKeyText } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { LOG_LEVELS } from "@postern/telemetry";
import { z } from "zod";

const MIB = 1_048_576;
const argv = z.array(z.string().min(1).max(4096)).min(1).max(64);
const headerMap = z.record(z.string().regex(/^[A-Za-z0-9-]{1,128}$/), z.string().max(8192));
const upstreamName = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9_-]{0,62})$/, "must be lower-case letters, digits, - or _");

/** One row of POSTERN_UPSTREAMS: either `url` (with `headers`) or `command` (with `environment`). */
const UpstreamRow = z.union([
  z.strictObject({ url: httpUrl(), headers: headerMap.optional() }),
  z.strictObject({ command: argv, environment: z.record(z.string(), z.string()).optional() }),
]);
export type UpstreamRow = z.infer<typeof UpstreamRow>;

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
  upstreamUrl: setting(
    {
      env: "POSTERN_UPSTREAM_URL",
      description: "Streamable HTTP address of the tool server.",
      optional: true,
    },
    httpUrl(),
  ),
  upstreamCommand: setting(
    {
      env: "POSTERN_UPSTREAM_COMMAND",
      description: 'Tool server to run over stdio, as a JSON array: ["node","server.js"].',
      optional: true,
    },
    json(argv),
  ),
  upstreams: setting(
    {
      env: "POSTERN_UPSTREAMS",
      description:
        'Several tool servers, reached as /v1/mcp/<name>; JSON: {"files":{"command":["…"]},"crm":{"url":"http://…","headers":{}}}.',
      optional: true,
    },
    json(
      z
        .record(upstreamName, UpstreamRow)
        .refine((rows) => Object.keys(rows).length > 0, "must name one upstream at least"),
    ),
  ),
  upstreamHeaders: setting(
    {
      env: "POSTERN_UPSTREAM_HEADERS",
      description: "Headers sent to POSTERN_UPSTREAM_URL, such as its credential; a JSON object.",
      optional: true,
    },
    secretText(),
  ),
  upstreamEnvironment: setting(
    {
      env: "POSTERN_UPSTREAM_ENVIRONMENT",
      description: "Names of variables that a tool server run over stdio may see, separated by commas.",
      default: "PATH,HOME,LANG,TMPDIR",
    },
    list(),
  ),
  upstreamTimeoutMs: setting(
    {
      env: "POSTERN_UPSTREAM_TIMEOUT_MS",
      description: "How long a tool server may take to begin its answer.",
      default: "120000",
    },
    integer({ min: 100, max: 3_600_000 }),
  ),
  responseBytesMax: setting(
    {
      env: "POSTERN_RESPONSE_BYTES_MAX",
      description: "Largest JSON answer, and largest event of a stream, taken from a tool server.",
      default: String(16 * MIB),
    },
    integer({ min: 1024, max: 256 * MIB }),
  ),
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
    integer({ min: 2000, max: 3_600_000 }),
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
  stdioSessionsMax: setting(
    {
      env: "POSTERN_STDIO_SESSIONS_MAX",
      description: "Processes at once of each tool server that is run over stdio.",
      default: "64",
    },
    integer({ min: 1, max: 10_000 }),
  ),
  drainMs: setting(
    {
      env: "POSTERN_DRAIN_MS",
      description: "How long calls in flight may finish, and records may be shipped, after SIGTERM.",
      default: "10000",
    },
    integer({ min: 0, max: 600_000 }),
  ),
  logLevel: setting(
    { env: "POSTERN_LOG_LEVEL", description: "Least level that is logged.", default: "info" },
    oneOf(LOG_LEVELS),
  ),
} as const;

/** Where one upstream is and what it is given. */
export interface UpstreamSettings {
  readonly name: string;
  readonly row: UpstreamRow;
}

export interface SidecarConfig
  extends Omit<
    ConfigOf<typeof SETTINGS>,
    "upstreamUrl" | "upstreamCommand" | "upstreams" | "upstreamHeaders" | "upstreamEnvironment"
  > {
  /** The first one answers on /v1/mcp; each answers on /v1/mcp/<name>. */
  readonly upstreams: readonly UpstreamSettings[];
  /** What a stdio tool server may see of our environment. */
  readonly upstreamEnvironment: Readonly<Record<string, string>>;
}

/**
 * @throws Fault invalid "config.invalid": every wrong or missing setting.
 */
export function readConfig(environment: Environment = process.env): {
  config: SidecarConfig;
  unknown: readonly string[];
} {
  const { config, unknown } = loadConfig(SETTINGS, environment);
  const { upstreamUrl, upstreamCommand, upstreams, upstreamHeaders, upstreamEnvironment, ...rest } = config;
  const named = Object.entries(upstreams ?? {}).map(([name, row]) => ({ name, row }));
  const single: UpstreamRow[] = [
    ...(upstreamUrl === undefined ? [] : [{ url: upstreamUrl, ...headersOf(upstreamHeaders?.reveal()) }]),
    ...(upstreamCommand === undefined ? [] : [{ command: upstreamCommand }]),
  ];
  if (single.length + Math.min(named.length, 1) !== 1) {
    throw invalid("set exactly one of POSTERN_UPSTREAM_URL, POSTERN_UPSTREAM_COMMAND and POSTERN_UPSTREAMS");
  }
  const visible = upstreamEnvironment.flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    config: Object.freeze({
      ...rest,
      upstreams: [...single.map((row) => ({ name: "default", row })), ...named],
      upstreamEnvironment: Object.fromEntries(visible),
    }),
    unknown,
  };
}

/** The settings as text for `--help`. */
export const settingsHelp = (): string => describeSettings(SETTINGS);

function headersOf(value: string | undefined): { headers?: Record<string, string> } {
  if (value === undefined) return {};
  const parsed = json(headerMap).safeParse(value);
  if (!parsed.success)
    throw invalid("POSTERN_UPSTREAM_HEADERS must be a JSON object of header names and values");
  return { headers: parsed.data };
}

const invalid = (problem: string) =>
  new Fault("invalid", "config.invalid", `The configuration cannot be used:\n  ${problem}`);
