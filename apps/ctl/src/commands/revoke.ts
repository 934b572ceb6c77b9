// postern revoke: from now on a token, and every token derived from it, is refused.
import { inspect } from "@postern/capability";
import { createAdminClient } from "@postern/client";
import { command } from "../command.ts";
import { ADMIN_OPTIONS, adminConnection } from "../connection.ts";
import { textOrStdin } from "../text-source.ts";

export const revoke = command({
  name: "revoke",
  summary: "Revoke a token and everything derived from it.",
  usage: "<token id | token | ->",
  positionals: { min: 1, max: 1 },
  options: {
    reason: { value: "TEXT", description: "Why, for the audit log." },
    ...ADMIN_OPTIONS,
  },
  example: "postern revoke 01976e4c-5d2b-7000-8000-3c9f5e0a1b2c --reason rotation",
  async run({ options, positionals }, world) {
    const given = await textOrStdin(positionals[0] ?? "-", world);
    const named = given.startsWith("v4.public.") ? await inspect(given) : { jti: given, tenant: undefined };
    const { url, token, tenant = named.tenant } = await adminConnection(options, world.config());
    const { jti } = named;
    await createAdminClient({ url, token }).revoke(jti, { reason: options.reason, tenant });
    return { ok: true, json: { revoked: jti }, text: `Revoked ${jti}.` };
  },
});
