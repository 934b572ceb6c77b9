// Every environment variable that the command line reads. All are optional: flags win over them, and what neither gives is taken from the
// connection file of a local `npm start`.
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type ConfigOf, httpUrl, loadConfig, secretText, setting, text } from "@postern/config";

export const SETTINGS = {
  adminUrl: setting(
    { env: "POSTERN_ADMIN_URL", optional: true, description: "Address of the control plane." },
    httpUrl(),
  ),
  adminToken: setting(
    { env: "POSTERN_ADMIN_TOKEN", optional: true, description: "Superadmin or tenant-admin token." },
    secretText(),
  ),
  sidecarUrl: setting(
    { env: "POSTERN_SIDECAR_URL", optional: true, description: "Address of the sidecar." },
    httpUrl(),
  ),
  capability: setting(
    { env: "POSTERN_CAPABILITY", optional: true, description: "Capability token." },
    secretText(),
  ),
  attenuationKey: setting(
    {
      env: "POSTERN_ATTENUATION_KEY",
      optional: true,
      description: "Key that came with an attenuable token.",
    },
    secretText(),
  ),
  tenant: setting({ env: "POSTERN_TENANT", optional: true, description: "Tenant to act for." }, text(63)),
  dataDirectory: setting(
    {
      env: "POSTERN_DATA_DIR",
      optional: true,
      description: "Data folder of the local stack; .postern/data in the repository without it.",
    },
    text(),
  ),
  opa: setting(
    {
      env: "POSTERN_OPA_BIN",
      aliases: ["OPA_BIN"],
      optional: true,
      description: "The opa executable, for policy commands; found on PATH without it.",
    },
    text(),
  ),
} as const;

export type Config = ConfigOf<typeof SETTINGS> & { readonly opa: string; readonly dataDirectory: string };

/** Raises Fault invalid "config.invalid". */
export function readConfig(): Config {
  const { config } = loadConfig(SETTINGS, process.env);
  return {
    ...config,
    opa: config.opa ?? onPath("opa", process.env.PATH ?? ""),
    dataDirectory: config.dataDirectory ?? join(import.meta.dirname, "../../../.postern/data"),
  };
}

/** Where an executable lies; its bare name when it lies nowhere, so that running it says so. */
function onPath(name: string, path: string): string {
  const places = path.split(delimiter).map((folder) => join(folder, name));
  return places.find((place) => existsSync(place)) ?? name;
}
