// postern revoke: from now on a token, and every token derived from it, is refused. An id that is none of ours is refused here, for the list
// would take it without a word and nobody would notice the slip.
import { inspect } from "@postern/capability";
import { type AdminClient, createAdminClient } from "@postern/client";
import { toFault } from "@postern/fault";
import { command, usage } from "../command.ts";
import { ADMIN_OPTIONS, adminConnection } from "../connection.ts";
import { textOrStdin } from "../text-source.ts";
import type { World } from "../world.ts";

/** Ids of tokens and of the blocks that Postern appends to them are UUIDs. */
const TOKEN_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const revoke = command({
  name: "revoke",
  summary: "Revoke a token and everything derived from it.",
  usage: "<token id | token | ->",
  details:
    "Without --tenant, the tenant is the one that the token names, or the one that issued the id.\n" +
    "An id that nobody issued is put on the list all the same, for narrowing a token offline makes ids that nobody is told.",
  positionals: { min: 1, max: 1 },
  options: {
    reason: { value: "TEXT", description: "Why, for the audit log." },
    ...ADMIN_OPTIONS,
  },
  example: "postern revoke 01976e4c-5d2b-7000-8000-3c9f5e0a1b2c --reason rotation",
  async run({ options, positionals }, world) {
    const named = await readNamed(positionals[0] ?? "-", world);
    const config = world.config();
    const wanted = options.tenant ?? config.tenant;
    if (wanted !== undefined && named.tenant !== undefined && wanted !== named.tenant)
      throw usage(`the token is of tenant ${named.tenant}, not of ${wanted}`);
    const { url, token, tenant } = await adminConnection(options, config);
    const { jti } = named;
    const revoked = await revokeWhereIssued(createAdminClient({ url, token }), {
      jti,
      reason: options.reason,
      explicit: named.tenant ?? wanted,
      fallback: tenant,
    });
    const json = { revoked: jti, tenant: revoked.tenant ?? null, known: revoked.known ?? null };
    return { ok: true, json, text: describe(jti, revoked, named.tenant !== undefined) };
  },
});

interface Revoked {
  readonly tenant: string | undefined;
  /** Whether the id was issued by this control plane; undefined = it did not say. */
  readonly known: boolean | undefined;
}

/** Only a request without a tenant makes the control plane look for the id, and only a superadmin is told that there is none. */
async function revokeWhereIssued(
  admin: AdminClient,
  request: {
    jti: string;
    reason: string | undefined;
    explicit: string | undefined;
    fallback: string | undefined;
  },
): Promise<Revoked> {
  const { jti, reason, explicit, fallback } = request;
  if (explicit !== undefined) {
    await admin.revoke(jti, { reason, tenant: explicit });
    return { tenant: explicit, known: undefined };
  }
  try {
    await admin.revoke(jti, { reason });
    // A tenant's admin gets the same answer whatever the id is.
    return { tenant: undefined, known: fallback === undefined ? undefined : true };
  } catch (caught) {
    const isUnknown = toFault(caught).code === "capabilities.unknown";
    if (!isUnknown || fallback === undefined) throw caught;
    await admin.revoke(jti, { reason, tenant: fallback });
    return { tenant: fallback, known: false };
  }
}

function describe(jti: string, { tenant, known }: Revoked, isWholeToken: boolean): string {
  const done = `Revoked ${jti}${tenant === undefined ? "" : ` for tenant ${tenant}`}.`;
  if (known === false)
    return `${done}\nNo token with this id was minted here; it is on the list all the same.`;
  return known || isWholeToken ? done : `${done} Whether it was minted here is not told.`;
}

/** Raises Fault invalid "ctl.usage". */
async function readNamed(
  argument: string,
  world: World,
): Promise<{ jti: string; tenant: string | undefined }> {
  const given = await textOrStdin(argument, world);
  if (given.startsWith("v4.public.")) return await inspect(given);
  if (TOKEN_ID.test(given)) return { jti: given, tenant: undefined };
  throw usage("give a token, or a token's id such as `postern inspect` shows it");
}
