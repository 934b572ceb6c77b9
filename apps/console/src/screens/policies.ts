// What is in force, and the drafts that could be. A change of what is in force is confirmed first, because it takes effect at once.
import { confirmed } from "../dialog.ts";
import { type Child, element } from "../element.ts";
import { count, instant } from "../format.ts";
import { actions, badge, button, code, digest, facts, link, nothing, panel } from "../parts.ts";
import type { ActivePolicy, DraftSummary } from "../replies.ts";
import type { Place, Screen } from "../screen.ts";
import { table } from "../table.ts";
import { showTrouble } from "../trouble.ts";
import { editDraft, newDraft } from "./draft.ts";

export const policiesScreen: Screen = { name: "policies", title: "Policies", show };

async function show(place: Place): Promise<readonly Child[]> {
  const { item } = place.route;
  if (item === "new") return await newDraft(place);
  if (item !== "") return await editDraft(place, item);
  const { api, tenant } = place;
  const [active, drafts] = await Promise.all([api.activePolicy(tenant), api.drafts(tenant)]);
  return [
    panel("In force", inForce(place, active)),
    panel(
      "Drafts",
      actions(link("New draft", place.at({ item: "new" }), { class: "main" })),
      draftTable(place, drafts, active),
    ),
  ];
}

function inForce(place: Place, active: ActivePolicy | undefined): HTMLElement {
  const outcome = element("div", { class: "outcome" });
  const ask = async (
    question: string,
    options: { consequence: string; yes: string },
    act: () => Promise<unknown>,
  ) => {
    if (!(await confirmed(question, options))) return;
    try {
      await act();
      place.say(`${options.yes}: done`);
      place.again();
    } catch (caught) {
      outcome.replaceChildren(showTrouble(caught));
    }
  };
  const rollBack = button("Roll back", () => {
    const consequence = `The policy that was in force before this one decides every call of ${place.tenant} again, under a new revision.`;
    void ask("Roll back?", { consequence, yes: "Roll back" }, () => place.api.rollback(place.tenant));
  });
  const clear = button(
    "Clear",
    () => {
      const consequence = `Nothing is in force then, and every call of ${place.tenant} is denied until a policy is promoted.`;
      void ask("Clear the policy?", { consequence, yes: "Clear the policy" }, () =>
        place.api.clearPolicy(place.tenant),
      );
    },
    "danger",
  );
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
      actions(rollBack),
      outcome,
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
    actions(rollBack, clear),
    outcome,
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
