// Every setting of the injector. This file is the only one that reads the environment; a default stands here and nowhere else.
import {
  type ConfigOf,
  describeSettings,
  type Environment,
  integer,
  type LoadedConfig,
  loadConfig,
  oneOf,
  port,
  setting,
  text,
} from "@postern/config";
import { LOG_LEVELS } from "@postern/telemetry";

const MIB = 1_048_576;

const SETTINGS = {
  host: setting(
    { env: "POSTERN_INJECTOR_HOST", description: "Address to listen on.", default: "127.0.0.1" },
    text(255),
  ),
  port: setting(
    {
      env: "POSTERN_INJECTOR_PORT",
      description: "Port of POST /mutate, by HTTPS; 0 = any free one.",
      default: "8443",
    },
    port(),
  ),
  plainPort: setting(
    {
      env: "POSTERN_INJECTOR_PLAIN_PORT",
      description: "Port of /healthz, /readyz and /metrics, by HTTP; 0 = any free one.",
      default: "8082",
    },
    port(),
  ),
  certificatePath: setting(
    {
      env: "POSTERN_INJECTOR_CERTIFICATE_PATH",
      description: "File with the certificate chain (PEM); read again when it changes.",
    },
    text(),
  ),
  keyPath: setting(
    { env: "POSTERN_INJECTOR_KEY_PATH", description: "File with the certificate's private key (PEM)." },
    text(),
  ),
  templateDir: setting(
    {
      env: "POSTERN_INJECTOR_TEMPLATE_DIR",
      description:
        "Folder with container.yaml and volumes.yaml, as in the chart's ConfigMap <release>-sidecar.",
    },
    text(),
  ),
  certificateCheckMs: setting(
    {
      env: "POSTERN_INJECTOR_CERTIFICATE_CHECK_MS",
      description: "How often the certificate's files are looked at.",
      default: "5000",
    },
    integer({ min: 10, max: 3_600_000 }),
  ),
  bodyBytesMax: setting(
    {
      env: "POSTERN_INJECTOR_BODY_BYTES_MAX",
      description: "Largest AdmissionReview; the API server takes objects of up to 3 MiB.",
      default: String(3 * MIB),
    },
    integer({ min: 1024, max: 64 * MIB }),
  ),
  bodyTimeoutMs: setting(
    {
      env: "POSTERN_BODY_TIMEOUT_MS",
      description: "How long a caller may take to send its request.",
      default: "5000",
    },
    integer({ min: 100, max: 600_000 }),
  ),
  lingerMs: setting(
    {
      env: "POSTERN_INJECTOR_LINGER_MS",
      description:
        "How long requests are still taken after SIGTERM, until the Service has forgotten this pod.",
      default: "5000",
    },
    integer({ min: 0, max: 600_000 }),
  ),
  drainMs: setting(
    {
      env: "POSTERN_DRAIN_MS",
      description: "How long requests in flight may finish after that.",
      default: "10000",
    },
    integer({ min: 0, max: 600_000 }),
  ),
  logLevel: setting(
    { env: "POSTERN_LOG_LEVEL", description: "Least level that is logged.", default: "info" },
    oneOf(LOG_LEVELS),
  ),
} as const;

export type InjectorConfig = ConfigOf<typeof SETTINGS>;

/** @throws Fault invalid "config.invalid": every wrong or missing setting. */
export const readConfig = (environment: Environment = process.env): LoadedConfig<typeof SETTINGS> =>
  loadConfig(SETTINGS, environment);

/** What `--help` prints. */
export const help = (): string =>
  `The Postern injector: puts the sidecar into pods as they are created.\n\nSettings:\n${describeSettings(SETTINGS)}\n`;
