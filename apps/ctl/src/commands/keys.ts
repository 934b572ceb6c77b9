// postern keys: the public keys that a tenant's sidecars trust.
import { createAdminClient } from "@postern/client";
import { columns } from "../columns.ts";
import { command } from "../command.ts";
import { ADMIN_OPTIONS, adminConnection } from "../connection.ts";

export const keys = command({
  name: "keys",
  summary: "List the public keys of a tenant.",
  usage: "",
  details: "Keys of the log are printed as verifier key text, as `audit verify --key` takes them.",
  positionals: { min: 0, max: 0 },
  options: ADMIN_OPTIONS,
  example: "postern keys --tenant acme-corp",
  async run({ options }, { config }) {
    const { url, token, tenant } = await adminConnection(options, config());
    const found = await createAdminClient({ url, token }).keys({ tenant });
    const rows = found.map((key) => [key.use, key.status, key.not_after ?? "-", key.vkey ?? key.public_key]);
    const text = columns([["USE", "STATUS", "UNTIL", "KEY"], ...rows]);
    return { ok: true, json: found, text };
  },
});
