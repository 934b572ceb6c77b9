// The settings with which an operator opens a sidecar to upstreams that its tenant registers: whether at all, where their secrets are found, and
// to which hosts these may go. Nothing of it can be said by the control plane.
import {
  type ConfigOf,
  type Environment,
  httpUrl,
  integer,
  list,
  oneOf,
  type Secret,
  secret,
  secretText,
  setting,
  text,
} from "@postern/config";
import { Fault } from "@postern/fault";
import { isHostPattern } from "./secret-hosts.ts";
import type { VaultLogin } from "./vault-secrets.ts";

/** What variables that hold a registered upstream's secret begin with. */
const SECRET_PREFIX = "POSTERN_UPSTREAM_SECRET_";

export const REGISTRY_SETTINGS = {
  registry: setting(
    {
      env: "POSTERN_UPSTREAM_REGISTRY",
      description: "Whether tool servers that the tenant registers at the control plane are served too.",
      default: "off",
    },
    oneOf(["off", "on"]),
  ),
  registryHosts: setting(
    {
      env: "POSTERN_UPSTREAM_REGISTRY_HOSTS",
      description:
        "Hosts that secrets of registered tool servers may be sent to, separated by commas: crm.example.com, *.example.com:8443, http://crm:8080 (https unless http:// is said). Others get none.",
      default: "",
    },
    list().refine(
      (patterns) => patterns.every(isHostPattern),
      "must be hosts such as crm.example.com, *.example.com:8443 or http://crm:8080",
    ),
  ),
  secretsDir: setting(
    {
      env: "POSTERN_UPSTREAM_SECRETS_DIR",
      description:
        "Folder with the secrets of registered tool servers, each a file. Variables POSTERN_UPSTREAM_SECRET_<NAME> hold others.",
      optional: true,
    },
    text(),
  ),
  vaultAddress: setting(
    {
      env: "POSTERN_VAULT_ADDR",
      description: "Vault, where secrets of registered tool servers are too; such as https://vault:8200.",
      optional: true,
    },
    httpUrl().refine((value) => !value.includes("?"), "must have no query"),
  ),
  vaultToken: setting(
    {
      env: "POSTERN_VAULT_TOKEN",
      description: "Token for Vault. Of a file (POSTERN_VAULT_TOKEN_FILE) it is read for each request.",
      optional: true,
    },
    secretText(),
  ),
  vaultTokenFile: setting(
    { env: "POSTERN_VAULT_TOKEN_FILE", description: "File that holds the token for Vault.", optional: true },
    text(),
  ),
  vaultRole: setting(
    {
      env: "POSTERN_VAULT_ROLE",
      description: "Role for Vault's Kubernetes auth, in place of a token.",
      optional: true,
    },
    text(255),
  ),
  vaultLoginMount: setting(
    {
      env: "POSTERN_VAULT_LOGIN_MOUNT",
      description: "Where Kubernetes auth is mounted.",
      default: "kubernetes",
    },
    text(255).regex(/^[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+)*$/, "must be a path such as kubernetes"),
  ),
  vaultJwtFile: setting(
    {
      env: "POSTERN_VAULT_JWT_FILE",
      description: "File with the service account's token for Kubernetes auth.",
      default: "/var/run/secrets/kubernetes.io/serviceaccount/token",
    },
    text(),
  ),
  vaultTtlMs: setting(
    {
      env: "POSTERN_VAULT_TTL_MS",
      description:
        "How long a secret from Vault is used before it is asked for anew; ten times that while Vault is away.",
      default: "60000",
    },
    integer({ min: 1_000, max: 86_400_000 }),
  ),
} as const;

type Given = ConfigOf<typeof REGISTRY_SETTINGS>;

export interface RegistryConfig {
  /** undefined = registered upstreams are not served. */
  readonly registry: RegistryOptions | undefined;
}

export interface RegistryOptions {
  /** Patterns of hosts that secrets may go to. */
  readonly hosts: readonly string[];
  readonly secretsDir: string | undefined;
  /** Secrets in variables, by the end of the variable's name. */
  readonly variables: ReadonlyMap<string, Secret>;
  readonly vault:
    | { readonly address: string; readonly login: VaultLogin; readonly ttlMs: number }
    | undefined;
}

/** Whether a variable holds a registered upstream's secret, and so is no unknown setting. */
export const isSecretVariable = (name: string): boolean => name.startsWith(SECRET_PREFIX);

/** @throws Fault invalid "config.invalid". */
export function readRegistry(given: Given, environment: Environment): RegistryConfig {
  const vault = vaultOf(given);
  if (given.registry === "off") return { registry: undefined };
  const variables = new Map<string, Secret>();
  for (const [name, value] of Object.entries(environment)) {
    if (isSecretVariable(name) && value !== undefined)
      variables.set(name.slice(SECRET_PREFIX.length), secret(value));
  }
  return { registry: { hosts: given.registryHosts, secretsDir: given.secretsDir, variables, vault } };
}

function vaultOf(given: Given): RegistryOptions["vault"] {
  const { vaultAddress, vaultToken, vaultTokenFile, vaultRole, vaultTtlMs: ttlMs } = given;
  if (vaultAddress === undefined) return undefined;
  const address = vaultAddress.replace(/\/+$/, "");
  if ((vaultRole === undefined) === (vaultToken === undefined && vaultTokenFile === undefined)) {
    throw new Fault(
      "invalid",
      "config.invalid",
      "The configuration cannot be used:\n  with POSTERN_VAULT_ADDR set exactly one of POSTERN_VAULT_TOKEN and POSTERN_VAULT_ROLE",
    );
  }
  if (vaultRole !== undefined) {
    const { vaultLoginMount: mount, vaultJwtFile: jwtPath } = given;
    return { address, ttlMs, login: { by: "kubernetes", role: vaultRole, mount, jwtPath } };
  }
  if (vaultTokenFile !== undefined) return { address, ttlMs, login: { by: "file", path: vaultTokenFile } };
  return vaultToken && { address, ttlMs, login: { by: "token", token: vaultToken } };
}
