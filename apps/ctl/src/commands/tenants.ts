// postern tenants: who is served.
import { createAdminClient } from "@postern/client";
import { columns } from "../columns.ts";
import { command } from "../command.ts";
import { ADMIN_OPTIONS, adminConnection } from "../connection.ts";

const { tenant: _, ...options } = ADMIN_OPTIONS;

export const tenants = command({
  name: "tenants",
  summary: "List the tenants.",
  usage: "",
  positionals: { min: 0, max: 0 },
  options,
  example: "postern tenants --json",
  async run(input, { config }) {
    const { url, token } = await adminConnection(input.options, config());
    const found = await createAdminClient({ url, token }).tenants();
    const rows = found.map((one) => [
      one.name,
      one.active_policy_sha?.slice(0, 12) || "-",
      String(one.pending_approvals ?? 0),
      String(one.recent_event_count ?? 0),
    ]);
    const text = columns([["TENANT", "POLICY", "PENDING APPROVALS", "RECENT EVENTS"], ...rows]);
    return { ok: true, json: found, text };
  },
});
