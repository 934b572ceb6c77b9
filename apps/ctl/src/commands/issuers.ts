// postern issuers: whose access tokens let their holders in, and as what. An issuer is named by its address; its id does as well.
import { type AdminClient, createAdminClient, type Issuer } from "@postern/client";
import { IssuerTrust, IssuerUrl } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { z } from "zod";
import { columns } from "../columns.ts";
import { command, usage } from "../command.ts";
import { ADMIN_OPTIONS, adminConnection } from "../connection.ts";
import { fileText, textOrStdin } from "../text-source.ts";

export const issuers = command({
  name: "issuers",
  summary: "List the identity providers that a tenant trusts.",
  usage: "",
  positionals: { min: 0, max: 0 },
  options: ADMIN_OPTIONS,
  example: "postern issuers --tenant acme",
  async run({ options }, { config }) {
    const { url, token, tenant } = await adminConnection(options, config());
    const found = await createAdminClient({ url, token }).issuers({ tenant });
    const rows = found.map((one) => [one.tenant, one.issuer, String(one.rules.length), one.id]);
    return { ok: true, json: found, text: columns([["TENANT", "ISSUER", "RULES", "ID"], ...rows]) };
  },
});

const IssuerFile = z.strictObject({ issuer: IssuerUrl, ...IssuerTrust.shape });

export const issuersApply = command({
  name: "issuers apply",
  summary: "Trust an identity provider, or change what it is trusted for.",
  usage: "<file.json>",
  details:
    "The file holds issuer, audiences and rules, and as far as wanted jwks_uri, algorithms and scopes. " +
    "What the tenant knew of this issuer before is replaced.",
  positionals: { min: 1, max: 1 },
  options: ADMIN_OPTIONS,
  example: "postern issuers apply login.json --tenant acme",
  async run({ options, positionals: [path = ""] }, { config }) {
    const { issuer, ...trust } = readJson(IssuerFile, await fileText(path), path);
    const { url, token, tenant } = await adminConnection(options, config());
    const client = createAdminClient({ url, token });
    const known = (await client.issuers({ tenant })).find((one) => one.issuer === issuer);
    const applied =
      known === undefined
        ? await client.addIssuer({ issuer, tenant, ...trust })
        : await client.replaceIssuer(known.id, trust);
    const what = known === undefined ? "is trusted" : "is trusted as the file says";
    return { ok: true, json: applied, text: `${issuer} ${what} by tenant ${applied.tenant}.` };
  },
});

export const issuersRemove = command({
  name: "issuers remove",
  summary: "Trust an identity provider no longer.",
  usage: "<issuer>",
  details:
    "Its tokens are exchanged for nothing from now on; capabilities that were given live out their short life.",
  positionals: { min: 1, max: 1 },
  options: ADMIN_OPTIONS,
  example: "postern issuers remove https://login.example.com --tenant acme",
  async run({ options, positionals: [name = ""] }, { config }) {
    const { url, token, tenant } = await adminConnection(options, config());
    const client = createAdminClient({ url, token });
    const { id, issuer } = await findIssuer(client, name, tenant);
    await client.removeIssuer(id);
    return { ok: true, json: { removed: id, issuer }, text: `${issuer} is trusted no longer.` };
  },
});

export const issuersExplain = command({
  name: "issuers explain",
  summary: "Try the rules of an identity provider: who would get what.",
  usage: "<issuer> (--claims <file.json> | --access-token <token | ->)",
  details: "Gives nothing to anybody. The answer is no (exit code 1) when nothing would be given.",
  positionals: { min: 1, max: 1 },
  options: {
    claims: { value: "FILE", description: "Claims as a JSON object." },
    "access-token": {
      value: "TOKEN",
      description: "An access token, which is verified; - reads it from input.",
    },
    resource: {
      value: "URL",
      description: "Whom the token must be meant for; the first audience without it.",
    },
    ...ADMIN_OPTIONS,
  },
  example: "postern issuers explain https://login.example.com --claims claims.json",
  async run({ options, positionals: [name = ""] }, world) {
    const { claims, "access-token": accessToken, resource } = options;
    if ((claims === undefined) === (accessToken === undefined))
      throw usage("give either --claims or --access-token");
    const asked =
      accessToken === undefined
        ? { claims: readJson(z.record(z.string(), z.json()), await fileText(claims ?? ""), claims ?? "") }
        : { token: await textOrStdin(accessToken, world), resource };
    const { url, token, tenant } = await adminConnection(options, world.config());
    const client = createAdminClient({ url, token });
    const explained = await client.explainIssuer((await findIssuer(client, name, tenant)).id, asked);
    const { capability, rule = "", problem = "" } = explained;
    const text =
      capability === undefined
        ? `Nothing: ${problem}${rule === "" ? "" : ` (rule "${rule}")`}`
        : columns([
            ["Rule", rule],
            ["Agent", capability.agent],
            ["Token id", capability.jti ?? "-"],
            ["Lifetime", `${capability.ttl_seconds} s at most`],
            ["Caveats", JSON.stringify(capability.caveats)],
          ]);
    return { ok: explained.accepted, json: explained, text };
  },
});

/** Raises Fault not_found "ctl.issuer". */
async function findIssuer(client: AdminClient, name: string, tenant: string | undefined): Promise<Issuer> {
  const found = (await client.issuers({ tenant })).filter(({ id, issuer }) => id === name || issuer === name);
  const [only] = found;
  if (found.length > 1) throw usage("several tenants trust this issuer: give --tenant");
  if (only !== undefined) return only;
  throw new Fault("not_found", "ctl.issuer", `No issuer ${name} is trusted.`);
}

/** Raises Fault invalid "ctl.file". */
function readJson<S extends z.ZodType>(schema: S, text: string, path: string): z.output<S> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (caught) {
    throw new Fault("invalid", "ctl.file", `${path} is not JSON.`, { cause: caught });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new Fault("invalid", "ctl.file", `${path}:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
