// postern policy proposals, approve and reject: changes of what is in force that wait for a second person. Whoever agrees names the source that
// was looked at, so that nothing else is agreed to.
import { createAdminClient, isProposal, type Proposal, type RolloutChange } from "@postern/client";
import { columns } from "../columns.ts";
import { command, type Outcome } from "../command.ts";
import { ADMIN_OPTIONS, adminConnection } from "../connection.ts";
import { visible } from "../visible-text.ts";

const DECISION_OPTIONS = {
  sha256: { value: "SHA256", description: "The source that was looked at: the proposal's.", required: true },
  reason: { value: "TEXT", description: "Why, for the audit log." },
  ...ADMIN_OPTIONS,
} as const;

export const policyProposals = command({
  name: "policy proposals",
  summary: "List changes that wait, or waited, for a second person.",
  usage: "",
  positionals: { min: 0, max: 0 },
  options: ADMIN_OPTIONS,
  example: "postern policy proposals",
  async run({ options }, { config }) {
    const connection = await adminConnection(options, config());
    const { items } = await createAdminClient(connection).proposals({ tenant: connection.tenant });
    const rows = items.map((each) => [
      each.proposal_id,
      each.kind,
      each.status,
      visible(each.name),
      each.rego_sha256,
      visible(each.proposed_by),
      each.expires_at,
    ]);
    return {
      ok: true,
      json: items,
      text: columns([["PROPOSAL", "KIND", "STATUS", "NAME", "SHA256", "BY", "EXPIRES"], ...rows]),
    };
  },
});

export const policyApprove = command({
  name: "policy approve",
  summary: "Agree to a proposed change: it is made at once.",
  usage: "<proposal>",
  details: "Somebody else than who proposed it must.",
  positionals: { min: 1, max: 1 },
  options: DECISION_OPTIONS,
  example: `postern policy approve 3b0c --sha256 ${"0f".repeat(32)}`,
  async run({ options: { sha256, reason, ...options }, positionals: [id = ""] }, { config }) {
    const connection = await adminConnection(options, config());
    const decision = { decision: "approve", rego_sha256: sha256, reason } as const;
    const { tenant } = connection;
    return made(await createAdminClient(connection).decideProposal(id, decision, { tenant }));
  },
});

export const policyReject = command({
  name: "policy reject",
  summary: "Turn a proposed change down, or take one's own back.",
  usage: "<proposal>",
  positionals: { min: 1, max: 1 },
  options: DECISION_OPTIONS,
  example: `postern policy reject 3b0c --sha256 ${"0f".repeat(32)} --reason 'too wide'`,
  async run({ options: { sha256, reason, ...options }, positionals: [id = ""] }, { config }) {
    const connection = await adminConnection(options, config());
    const decision = { decision: "reject", rego_sha256: sha256, reason } as const;
    const { tenant } = connection;
    const change = await createAdminClient(connection).decideProposal(id, decision, { tenant });
    return { ok: true, json: change, text: "Turned down." };
  },
});

/** What a change came to, which was not made but proposed. */
export function proposed(proposal: Proposal): Outcome {
  const { proposal_id: id, kind, name, rego_sha256: sha256, expires_at: until } = proposal;
  const text =
    `Proposed as ${id}: ${kind} ${visible(name)} (sha256 ${sha256}). Until ${until} somebody else may agree with\n` +
    `  postern policy approve ${id} --sha256 ${sha256}`;
  return { ok: true, json: proposal, text };
}

/** What a change came to. */
export function made(change: RolloutChange): Outcome {
  if (isProposal(change)) return proposed(change);
  if ("percent" in change) {
    const text = `Rollout ${change.id} of ${visible(change.name)}: ${change.mode}, ${change.percent} % of sidecars, ${change.status}.`;
    return { ok: true, json: change, text };
  }
  return { ok: true, json: change, text: `Policy ${visible(change.name)} is active for ${change.tenant}.` };
}
