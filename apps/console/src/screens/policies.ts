// What is in force, and the drafts that could be. A change of what is in force is confirmed first, because it takes effect at once.
import { isProposed, type Outcome } from "../admin-policies.ts";
import { createActs } from "../attempt.ts";
import { type Child, element } from "../element.ts";
import { count, instant } from "../format.ts";
import { offeredSilently } from "../gate.ts";
import { actions, badge, code, digest, facts, link, nothing, panel } from "../parts.ts";
import type { ActivePolicy, DraftSummary } from "../replies.ts";
import type { Place, Screen } from "../screen.ts";
import { table } from "../table.ts";
import { editDraft, newDraft } from "./draft.ts";
import { policyHistory } from "./policy-history.ts";
import { proposalTable } from "./proposals.ts";
import { pastRollouts, runningRollout } from "./rollout.ts";

const PAGE = 20;

export const policiesScreen: Screen = { name: "policies", title: "Policies", show };

async function show(place: Place): Promise<readonly Child[]> {
  const { item } = place.route;
  if (item === "new") return await newDraft(place);
  if (item !== "") return await editDraft(place, item);
  const { api, tenant } = place;
  const [active, drafts, proposals, rollouts, history] = await Promise.all([
    api.activePolicy(tenant),
    api.drafts(tenant),
    api.proposals({ tenant, limit: PAGE }),
    api.rollouts({ tenant, limit: PAGE }),
    policyHistory(place),
  ]);
  return [
    panel("In force", inForce(place, active)),
    await runningRollout(place, rollouts.items),
    proposals.items.length === 0 ? undefined : panel("Proposals", proposalTable(place, proposals.items)),
    panel(
      "Drafts",
      offeredSilently(place, "author", () =>
        actions(link("New draft", place.at({ item: "new" }), { class: "main" })),
      ),
      draftTable(place, drafts, active),
    ),
    panel("History", history),
    rollouts.items.length === 0 ? undefined : panel("Past rollouts", pastRollouts(rollouts.items)),
  ];
}

function inForce(place: Place, active: ActivePolicy | undefined): HTMLElement {
  const acts = createActs(place);
  const told = (made: Outcome, done: string) =>
    isProposed(made) ? "Proposed: it waits for a second person" : done;
  const rollBack = acts.button({
    label: "Roll back",
    question: "Roll back?",
    consequence: `The policy that was in force before this one decides every call of ${place.tenant} again, under a new revision.`,
    act: async () => told(await place.api.rollback(place.tenant), "Rolled back"),
  });
  const clear = acts.button({
    label: "Clear the policy",
    kind: "danger",
    question: "Clear the policy?",
    consequence: `Nothing is in force then, and every call of ${place.tenant} is denied until a policy is promoted.`,
    act: async () => {
      await place.api.clearPolicy(place.tenant);
      return "Cleared";
    },
  });
  if (active === undefined) {
    return element(
      "div",
      {},
      element(
        "p",
        { class: "banner" },
        element("strong", {}, "Nothing is in force: "),
        "every call of this tenant is denied. Promote a draft, or roll back to the policy before.",
      ),
      offeredSilently(place, "author", () => actions(rollBack)),
      acts.outcome,
    );
  }
  return element(
    "div",
    {},
    facts([
      ["Name", link(active.name, place.at({ item: active.draft_id }))],
      ["Revision", count(active.revision)],
      ["Promoted", `${instant(active.promoted_at)} UTC by ${active.promoted_by}`],
      ["Rego SHA-256", code(active.rego_sha256)],
      ["Bundle SHA-256", code(active.digest)],
      ["Signed until", `${instant(active.expires_at)} UTC, renewed by itself`],
    ]),
    offeredSilently(place, "author", () => actions(rollBack, clear)),
    acts.outcome,
  );
}

function draftTable(
  place: Place,
  drafts: readonly DraftSummary[],
  active: ActivePolicy | undefined,
): HTMLElement {
  return table({
    caption: "Drafts, newest first",
    rows: drafts,
    columns: [
      { title: "Name", cell: ({ id, name }) => link(name, place.at({ item: id })) },
      { title: "State", cell: (draft) => stateOf(draft, active) },
      { title: "Description", cell: ({ description }) => description || nothing() },
      { title: "Written by", cell: ({ created_by }) => created_by },
      { title: "Changed (UTC)", cell: ({ updated_at }) => instant(updated_at) },
      { title: "Rego SHA-256", cell: ({ rego_sha256 }) => digest(rego_sha256) },
    ],
    empty: "There is no draft yet. Write one, and promote it when it compiles.",
  });
}

function stateOf({ id, promoted }: DraftSummary, active: ActivePolicy | undefined): HTMLElement {
  if (id === active?.draft_id) return badge("active");
  return promoted
    ? element("span", { class: "badge plain" }, "was promoted")
    : element("span", { class: "badge plain" }, "draft");
}
