// Changes of what is in force that wait for a second person: exactly what was proposed is agreed to, known by the digest of its source.
import { isProposed, type Proposal } from "../admin-policies.ts";
import { openDialog } from "../dialog.ts";
import { type Child, element } from "../element.ts";
import { areaField, form } from "../form.ts";
import { instant } from "../format.ts";
import { actions, badge, button, code, digest, facts, faint, link, note, nothing, source } from "../parts.ts";
import type { Place } from "../screen.ts";
import { table } from "../table.ts";

export function proposalTable(place: Place, proposals: readonly Proposal[]): HTMLElement {
  return table({
    caption: "Proposed changes, newest first",
    rows: proposals,
    columns: [
      { title: "State", kind: "short", cell: ({ status }) => badge(status) },
      { title: "What", cell: (proposal) => whatOf(place, proposal) },
      { title: "By", cell: ({ proposed_by }) => proposed_by },
      { title: "Since (UTC)", kind: "short", cell: ({ proposed_at }) => instant(proposed_at) },
      { title: "Until (UTC)", kind: "short", cell: ({ expires_at }) => instant(expires_at) },
      { title: "Rego SHA-256", cell: ({ rego_sha256 }) => digest(rego_sha256) },
      { title: "Decided", cell: (proposal) => decidedOf(proposal) },
      { title: "Decide", kind: "actions", cell: (proposal) => decide(place, proposal) },
    ],
    empty: "Nothing is proposed.",
  });
}

const KINDS: Readonly<Record<Proposal["kind"], string>> = {
  promote: "Promote",
  rollback: "Go back to",
  stage: "Roll out",
  complete: "Complete the rollout of",
};

function whatOf(place: Place, { kind, name, draft_id, revision, mode, percent }: Proposal): HTMLElement {
  const plan = mode === undefined ? "" : ` (${mode}, ${percent ?? 0} %)`;
  const at = revision === undefined ? "" : ` (revision ${revision})`;
  const named = draft_id === "" ? name : link(name, place.at({ item: draft_id }));
  return element("span", {}, `${KINDS[kind]} `, named, `${at}${plan}`);
}

function decidedOf({ decided_by, decision_reason = "" }: Proposal): Child {
  if (decided_by === undefined) return nothing();
  return decision_reason === "" ? decided_by : `${decided_by}: ${decision_reason}`;
}

/** Who proposed it may take it back, and nothing else. */
function decide(place: Place, proposal: Proposal): Child {
  if (proposal.status !== "proposed" || !place.may("author")) return nothing();
  const isOwn = proposal.proposed_by === place.me.name;
  const offers = isOwn
    ? [button("Take back…", () => void open(place, proposal, "reject"), "text")]
    : [
        button("Agree…", () => void open(place, proposal, "approve"), "text"),
        button("Turn down…", () => void open(place, proposal, "reject"), "text"),
      ];
  return actions(...offers);
}

async function open(place: Place, proposal: Proposal, decision: "approve" | "reject"): Promise<void> {
  const isYes = decision === "approve";
  // What is agreed to is what is read here: the control plane refuses when the source has another digest by now.
  const draft =
    proposal.draft_id === "" ? undefined : await place.api.draft(proposal.draft_id).catch(() => undefined);
  const isSame = draft?.rego_sha256 === proposal.rego_sha256;
  const reason = areaField({ label: "Reason", rows: "2", maxlength: "2000" });
  openDialog(
    isYes ? "Agree to this change?" : "Turn this change down?",
    facts([
      ["What", whatOf(place, proposal)],
      ["Proposed by", proposal.proposed_by],
      ["Rego SHA-256", code(proposal.rego_sha256)],
    ]),
    draft !== undefined && isSame
      ? source(draft.rego_source, "Rego source")
      : faint(
          "The source with this digest cannot be shown here: the draft is gone, or says something else by now.",
        ),
    isYes ? note(`It is made at once, and decides calls of ${proposal.tenant} from then on.`) : undefined,
    form({
      label: "Decide",
      fields: [reason.node],
      send: isYes ? "Agree" : "Turn down",
      kind: isYes ? "main" : "danger",
      async onSend() {
        const made = await place.api.decideProposal(proposal, {
          decision,
          reason: reason.control.value.trim(),
        });
        place.again();
        place.say(isProposed(made) ? "It still waits" : isYes ? "Agreed and done" : "Turned down");
        return undefined;
      },
    }),
  );
  reason.control.focus();
}
