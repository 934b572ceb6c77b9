// postern policy history and rollback: everything that was in force, and the way back to any of it.
import { createAdminClient, isProposal } from "@postern/client";
import { columns } from "../columns.ts";
import { command, usage } from "../command.ts";
import { ADMIN_OPTIONS, adminConnection } from "../connection.ts";
import { visible } from "../visible-text.ts";
import { proposed } from "./policy-proposals.ts";

export const policyHistory = command({
  name: "policy history",
  summary: "List what was in force, newest first.",
  usage: "",
  positionals: { min: 0, max: 0 },
  options: { limit: { value: "N", description: "At most so many; default 20." }, ...ADMIN_OPTIONS },
  example: "postern policy history --limit 5",
  async run({ options }, { config }) {
    const connection = await adminConnection(options, config());
    const limit = wholeOf(options.limit ?? "20", "--limit");
    const { items } = await createAdminClient(connection).policyHistory({ tenant: connection.tenant, limit });
    const rows = items.map((each) => [
      String(each.revision),
      each.kind,
      visible(each.name) || "-",
      each.rego_sha256.slice(0, 12) || "-",
      each.activated_at,
      visible(each.activated_by),
    ]);
    return {
      ok: true,
      json: items,
      text: columns([["REVISION", "KIND", "NAME", "SHA256", "AT", "BY"], ...rows]),
    };
  },
});

export const policyRollback = command({
  name: "policy rollback",
  summary: "Put in force again what was in force before.",
  usage: "",
  details: "Where the tenant asks for two people, this waits for another one.",
  positionals: { min: 0, max: 0 },
  options: {
    revision: {
      value: "N",
      description: "Of the history; default: what was in force before what is in force now.",
    },
    ...ADMIN_OPTIONS,
  },
  example: "postern policy rollback --revision 7",
  async run({ options }, { config }) {
    const connection = await adminConnection(options, config());
    const revision = options.revision === undefined ? undefined : wholeOf(options.revision, "--revision");
    const change = await createAdminClient(connection).rollback({ tenant: connection.tenant, revision });
    if (isProposal(change)) return proposed(change);
    return { ok: true, json: change, text: `Policy ${visible(change.name)} is active for ${change.tenant}.` };
  },
});

function wholeOf(text: string, option: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw usage(`${option} must be a whole number.`);
}
