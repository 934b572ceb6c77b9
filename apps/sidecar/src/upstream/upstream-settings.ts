// The settings that say which tool servers there are, how they are reached and what they are given. Secrets stand in rows as references only:
// the name of a variable or of a file.
import { readFileSync } from "node:fs";
import {
  type ConfigOf,
  type Environment,
  flag,
  httpUrl,
  integer,
  json,
  list,
  type Secret,
  secret,
  secretText,
  setting,
} from "@postern/config";
import { Fault } from "@postern/fault";
import { isNetwork } from "@postern/network";
import { z } from "zod";

const MIB = 1_048_576;
const argv = z.array(z.string().min(1).max(4096)).min(1).max(64);
const headerMap = z.record(z.string().regex(/^[A-Za-z0-9-]{1,128}$/), z.string().max(8192));
const upstreamName = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9_-]{0,62})$/, "must be lower-case letters, digits, - or _");
const parameter = z.string().min(1).max(4096);

/** How the sidecar proves itself to a token endpoint, and what it asks for. */
const TokenRow = z
  .strictObject({
    token_url: httpUrl(),
    client_id: parameter,
    client_secret_env: parameter.optional(),
    client_secret_file: parameter.optional(),
    scope: parameter.optional(),
    /** RFC 8707. */
    resource: httpUrl().optional(),
    audience: parameter.optional(),
  })
  .refine((row) => (row.client_secret_env === undefined) !== (row.client_secret_file === undefined), {
    message: "must name the secret by exactly one of client_secret_env and client_secret_file",
  });
export type TokenRow = z.infer<typeof TokenRow>;

/** `oauth`: client credentials (RFC 6749 §4.4). `exchange`: the caller's own access token is exchanged (RFC 8693). */
const remote = { headers: headerMap.optional(), oauth: TokenRow.optional(), exchange: TokenRow.optional() };

/** One row of POSTERN_UPSTREAMS: `url` (Streamable HTTP), `sse` (HTTP+SSE of 2024-11-05) or `command` (stdio). */
const UpstreamRow = z
  .union([
    z.strictObject({ url: httpUrl(), ...remote }),
    z.strictObject({ sse: httpUrl(), ...remote }),
    z.strictObject({ command: argv, environment: z.record(z.string(), z.string()).optional() }),
  ])
  .refine((row): boolean => "command" in row || credentialsIn(row) <= 1, {
    message: "may have one of oauth, exchange and a header Authorization",
  });
export type UpstreamRow = z.infer<typeof UpstreamRow>;

export const UPSTREAM_SETTINGS = {
  upstreamUrl: setting(
    {
      env: "POSTERN_UPSTREAM_URL",
      description: "Streamable HTTP address of the tool server.",
      optional: true,
    },
    httpUrl(),
  ),
  upstreamName: setting(
    {
      env: "POSTERN_UPSTREAM_NAME",
      description:
        "Name of the one tool server of POSTERN_UPSTREAM_URL or POSTERN_UPSTREAM_COMMAND. Pins and policies know servers by name: give different servers of one tenant different names.",
      default: "default",
    },
    upstreamName,
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
        'Several tool servers, reached as /v1/mcp/<name>; JSON: {"files":{"command":["…"]},"crm":{"url":"http://…","headers":{}},"old":{"sse":"http://…"}}. With url and sse also "oauth" or "exchange": {"token_url","client_id","client_secret_env" or "client_secret_file","scope","resource","audience"}.',
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
  upstreamStreamTimeoutMs: setting(
    {
      env: "POSTERN_UPSTREAM_STREAM_TIMEOUT_MS",
      description:
        "How long an answer that is a stream may take to its end; streams that stay open are not limited.",
      default: "3600000",
    },
    integer({ min: 100, max: 86_400_000 }),
  ),
  upstreamCallsMax: setting(
    {
      env: "POSTERN_UPSTREAM_CALLS_MAX",
      description: "Calls that each tool server is given at once; further ones are refused.",
      default: "1024",
    },
    integer({ min: 1, max: 1_000_000 }),
  ),
  upstreamCallsPerPrincipalMax: setting(
    {
      env: "POSTERN_UPSTREAM_CALLS_PER_PRINCIPAL_MAX",
      description: "Calls at once at each tool server that one caller may have; further ones are refused.",
      default: "512",
    },
    integer({ min: 1, max: 1_000_000 }),
  ),
  circuitFailures: setting(
    {
      env: "POSTERN_CIRCUIT_FAILURES",
      description:
        "Failures in a row (no connection, no answer in time, HTTP 500 and above) after which a tool server is left alone; 0 = never.",
      default: "5",
    },
    integer({ min: 0, max: 1_000_000 }),
  ),
  circuitCooldownMs: setting(
    {
      env: "POSTERN_CIRCUIT_COOLDOWN_MS",
      description: "How long it is left alone before one call is let through to see.",
      default: "10000",
    },
    integer({ min: 10, max: 3_600_000 }),
  ),
  upstreamNetworks: setting(
    {
      env: "POSTERN_UPSTREAM_NETWORKS",
      description:
        "Networks (CIDR, separated by commas) that may be reached besides public, private and loopback addresses: link-local ones, where clouds keep their metadata services, and reserved ones are refused unless they stand here.",
      default: "",
    },
    list().refine((networks) => networks.every(isNetwork), "must be networks such as 169.254.10.0/24"),
  ),
  upstreamNetworksStrict: setting(
    {
      env: "POSTERN_UPSTREAM_NETWORKS_STRICT",
      description:
        "Whether private and loopback addresses are refused too, unless POSTERN_UPSTREAM_NETWORKS holds them or an upstream's address names them literally.",
      default: "false",
    },
    flag(),
  ),
  responseBytesMax: setting(
    {
      env: "POSTERN_RESPONSE_BYTES_MAX",
      description: "Largest JSON answer, and largest event of a stream, taken from a tool server.",
      default: String(16 * MIB),
    },
    integer({ min: 1024, max: 256 * MIB }),
  ),
  stdioSessionsMax: setting(
    {
      env: "POSTERN_STDIO_SESSIONS_MAX",
      description: "Processes with a session at once of each tool server that is run over stdio.",
      default: "64",
    },
    integer({ min: 1, max: 10_000 }),
  ),
} as const;

/** Where one upstream is and what it is given. */
export interface UpstreamSettings {
  readonly name: string;
  readonly row: UpstreamRow;
  /** What the row's `oauth` or `exchange` refers to. */
  readonly clientSecret?: Secret;
}

export interface UpstreamsConfig {
  /** The first one answers on /v1/mcp; each answers on /v1/mcp/<name>. None only where registered ones are served. */
  readonly upstreams: readonly UpstreamSettings[];
  /** What a stdio tool server may see of our environment. */
  readonly upstreamEnvironment: Readonly<Record<string, string>>;
}

type Given = Pick<
  ConfigOf<typeof UPSTREAM_SETTINGS>,
  "upstreamUrl" | "upstreamName" | "upstreamCommand" | "upstreams" | "upstreamHeaders" | "upstreamEnvironment"
>;

/**
 * `mayBeNone`: whether there may be no upstream at all.
 * @throws Fault invalid "config.invalid", never with the value of a secret.
 */
export function readUpstreams(
  given: Given,
  environment: Environment,
  { mayBeNone = false }: { readonly mayBeNone?: boolean } = {},
): UpstreamsConfig {
  const { upstreamUrl, upstreamName, upstreamCommand, upstreams, upstreamHeaders, upstreamEnvironment } =
    given;
  const named = Object.entries(upstreams ?? {}).map(([name, row]) => ({ name, row }));
  const single: UpstreamRow[] = [
    ...(upstreamUrl === undefined ? [] : [{ url: upstreamUrl, ...headersOf(upstreamHeaders?.reveal()) }]),
    ...(upstreamCommand === undefined ? [] : [{ command: upstreamCommand }]),
  ];
  const ways = single.length + Math.min(named.length, 1);
  if (ways > 1 || (ways === 0 && !mayBeNone)) {
    throw invalid("set exactly one of POSTERN_UPSTREAM_URL, POSTERN_UPSTREAM_COMMAND and POSTERN_UPSTREAMS");
  }
  const visible = upstreamEnvironment.flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    upstreams: [...single.map((row) => ({ name: upstreamName, row })), ...named].map((settings) => ({
      ...settings,
      ...clientSecretOf(settings, environment),
    })),
    upstreamEnvironment: Object.fromEntries(visible),
  };
}

/** The row that says how a token is got, if there is one. */
export function tokenRowOf(row: UpstreamRow): TokenRow | undefined {
  return "command" in row ? undefined : (row.oauth ?? row.exchange);
}

function clientSecretOf(
  { name, row }: UpstreamSettings,
  environment: Environment,
): { clientSecret?: Secret } {
  const tokenRow = tokenRowOf(row);
  if (tokenRow === undefined) return {};
  const { client_secret_env: variable, client_secret_file: file } = tokenRow;
  const value = variable === undefined ? readSecretFile(name, file ?? "") : environment[variable];
  if (value === undefined || value === "")
    throw invalid(`the client secret of the upstream ${name} is empty`);
  return { clientSecret: secret(value) };
}

function readSecretFile(name: string, file: string): string {
  try {
    return readFileSync(file, "utf8").replace(/\r?\n$/, "");
  } catch (caught) {
    const code = (caught as NodeJS.ErrnoException).code ?? "unknown";
    throw invalid(
      `the client secret of the upstream ${name} is in a file that cannot be read (${code}): ${file}`,
    );
  }
}

interface CredentialsGiven {
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly oauth?: TokenRow | undefined;
  readonly exchange?: TokenRow | undefined;
}

function credentialsIn(row: CredentialsGiven): number {
  const names = Object.keys(row.headers ?? {}).map((name) => name.toLowerCase());
  return [row.oauth, row.exchange, names.find((name) => name === "authorization")].filter(Boolean).length;
}

function headersOf(value: string | undefined): { headers?: Record<string, string> } {
  if (value === undefined) return {};
  const parsed = json(headerMap).safeParse(value);
  if (!parsed.success)
    throw invalid("POSTERN_UPSTREAM_HEADERS must be a JSON object of header names and values");
  return { headers: parsed.data };
}

const invalid = (problem: string) =>
  new Fault("invalid", "config.invalid", `The configuration cannot be used:\n  ${problem}`);
