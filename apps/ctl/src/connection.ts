// Where to go and with which credential: flag, then environment, then the connection file of a local `npm start`.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Fault } from "@postern/fault";
import { z } from "zod";
import type { Config } from "./config.ts";

/** What `npm start` writes into its data folder. */
const ConnectionFile = z.object({
  mcp_url: z.string(),
  tool_call_url: z.string(),
  admin_url: z.string(),
  admin_token: z.string(),
  capability_token: z.string(),
  tenant: z.string(),
});
type ConnectionFile = z.infer<typeof ConnectionFile>;

export interface AdminConnection {
  readonly url: string;
  readonly token: string;
  /** Tenant to act for; undefined = whatever the token is for. */
  readonly tenant: string | undefined;
}

/** Flags of every command that talks to the control plane. */
export const ADMIN_OPTIONS = {
  url: { value: "URL", description: "Address of the control plane; only together with a token." },
  token: { value: "TOKEN", description: "Superadmin or tenant-admin token; only together with an address." },
  tenant: { value: "NAME", description: "Tenant to act for." },
} as const;

interface Given {
  readonly url?: string | undefined;
  readonly token?: string | undefined;
  readonly tenant?: string | undefined;
}

/** Raises Fault invalid "ctl.connection" when something is missing. */
export async function adminConnection(given: Given, config: Config): Promise<AdminConnection> {
  const url = given.url ?? config.adminUrl;
  const token = given.token ?? config.adminToken?.reveal();
  const tenant = given.tenant ?? config.tenant;
  if (url !== undefined && token !== undefined) return { url: serviceAddress(url), token, tenant };
  // A credential goes only where it came from: an address given by hand takes no token from the file, nor the other way round.
  if (url !== undefined) throw missing("admin token", "--token", "POSTERN_ADMIN_TOKEN");
  if (token !== undefined) throw missing("control plane address", "--url", "POSTERN_ADMIN_URL");
  const file = await readConnectionFile(config.dataDirectory);
  return { url: serviceAddress(file.admin_url), token: file.admin_token, tenant: tenant ?? file.tenant };
}

/** Address that takes tool calls, and the token to call with. Raises Fault invalid "ctl.connection". */
export async function callConnection(given: Given, config: Config): Promise<{ url: string; token: string }> {
  const url = given.url ?? config.sidecarUrl;
  const token = given.token ?? config.capability?.reveal();
  if (url !== undefined && token !== undefined) return { url: callAddress(url), token };
  if (url !== undefined) throw missing("capability token", "--capability", "POSTERN_CAPABILITY");
  // A narrower token for the local stack is given by hand more often than not, so here the file's address is enough.
  const file = await readConnectionFile(config.dataDirectory);
  return { url: file.tool_call_url, token: token ?? file.capability_token };
}

async function readConnectionFile(directory: string): Promise<ConnectionFile> {
  const path = join(directory, "connection.json");
  try {
    return ConnectionFile.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (caught) {
    const absent = caught instanceof Error && "code" in caught && caught.code === "ENOENT";
    const what = absent ? "there is no" : "this is not a";
    throw new Fault(
      "invalid",
      "ctl.connection",
      `No address was given and ${what} connection file: ${path}. Give the address and token by flag or environment, or run \`npm start\`.`,
      { cause: caught },
    );
  }
}

function missing(what: string, flag: string, variable: string): Fault {
  const message =
    `The ${what} is missing: give ${flag} or set ${variable}. ` +
    "A token of the local connection.json goes to no other address, nor another token to its address.";
  return new Fault("invalid", "ctl.connection", message);
}

/** The control plane's address without the path of its admin door. */
function serviceAddress(url: string): string {
  return url.replace(/\/v1\/admin\/?$/, "");
}

/** A bare sidecar address means its tool-call door. */
function callAddress(url: string): string {
  return new URL(url).pathname === "/" ? new URL("/v1/tool-call", url).href : url;
}
