// Writing a draft. The control plane compiles what is saved, and what the compiler says against it is shown word for word.
import { isProposed } from "../admin-policies.ts";
import { confirmed } from "../dialog.ts";
import { type Child, element } from "../element.ts";
import { areaField, form, textField } from "../form.ts";
import { instant } from "../format.ts";
import { offered, offeredSilently } from "../gate.ts";
import { actions, button, code, facts, link, note, panel, source } from "../parts.ts";
import type { Draft } from "../replies.ts";
import type { Place } from "../screen.ts";
import { showTrouble } from "../trouble.ts";
import { dryRunForm } from "./dry-run.ts";
import { rolloutForm } from "./rollout.ts";

const FIRST_REGO = `package intentgate.policy

default decision := {"allow": false, "reason": "No rule names this tool.", "rule": "default"}

decision := {"allow": true, "rule": "read_only"} if {
	startswith(input.tool, "read_")
}
`;

/** With ?from=<id> the draft begins as a copy of another one. */
export async function newDraft(place: Place): Promise<readonly Child[]> {
  const { from = "" } = place.route.query;
  const original = from === "" ? undefined : await place.api.draft(from);
  const fields = draftFields(original, FIRST_REGO);
  return [
    back(place),
    panel(
      "New draft",
      form({
        label: "New draft",
        fields: fields.nodes,
        send: "Compile and save",
        async onSend() {
          const draft = await place.api.createDraft({ ...fields.read(), tenant: place.tenant });
          place.go({ item: draft.id });
          return undefined;
        },
      }),
    ),
    panel(
      "Dry run",
      offered(place, "author", () => dryRunForm(place, () => fields.read().rego_source)),
    ),
  ];
}

export async function editDraft(place: Place, id: string): Promise<readonly Child[]> {
  const draft = await place.api.draft(id);
  const about = facts([
    ["Written", `${instant(draft.created_at)} UTC by ${draft.created_by}`],
    ["Changed", `${instant(draft.updated_at)} UTC`],
    ["Rego SHA-256", code(draft.rego_sha256)],
    ["Tenant", draft.tenant],
  ]);
  const fields = draftFields(draft, draft.rego_source);
  const isOpen = !draft.promoted && place.may("author");
  return [
    back(place),
    panel(draft.name, about, promotion(place, draft)),
    isOpen
      ? panel("Change", changeForm(place, draft, fields))
      : panel(
          "Rego",
          draft.promoted
            ? note("This draft was promoted and cannot change any more. Copy it to go on from here.")
            : undefined,
          source(draft.rego_source, "Rego source"),
        ),
    panel(
      "Dry run",
      offered(place, "author", () => dryRunForm(place, () => fields.read().rego_source)),
    ),
    panel(
      "Rollout",
      offered(place, "author", () => rolloutForm(place, draft)),
    ),
  ];
}

type DraftFields = ReturnType<typeof draftFields>;

function changeForm(place: Place, draft: Draft, fields: DraftFields): HTMLElement {
  return form({
    label: "Change the draft",
    fields: fields.nodes,
    send: "Compile and save",
    async onSend() {
      await place.api.updateDraft(draft.id, fields.read());
      place.again();
      place.say("Compiled and saved");
      return undefined;
    },
  });
}

function promotion(place: Place, draft: Draft): HTMLElement {
  const outcome = element("div", { class: "outcome" });
  const promote = async () => {
    const consequence = `It decides every call of ${draft.tenant} from now on. What is saved is promoted, not what is typed but not saved.`;
    if (!(await confirmed("Promote this draft?", { consequence, yes: "Promote", kind: "main" }))) return;
    await attempt(outcome, async () => {
      const made = await place.api.promote(draft.tenant, draft.id);
      place.go({});
      if (isProposed(made)) place.say("Proposed: it waits for a second person");
    });
  };
  const remove = async () => {
    const consequence = `The draft ${draft.name} is thrown away.`;
    if (!(await confirmed("Delete this draft?", { consequence, yes: "Delete" }))) return;
    await attempt(outcome, async () => {
      await place.api.deleteDraft(draft.id);
      place.go({});
    });
  };
  return element(
    "div",
    {},
    actions(
      offeredSilently(place, "author", () => button("Promote", () => void promote(), "main")),
      link("Copy into a new draft", place.at({ item: "new", query: { from: draft.id } }), { class: "quiet" }),
      draft.promoted
        ? undefined
        : offeredSilently(place, "author", () => button("Delete", () => void remove(), "danger")),
    ),
    outcome,
  );
}

async function attempt(outcome: HTMLElement, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (caught) {
    outcome.replaceChildren(showTrouble(caught));
  }
}

function draftFields(draft: Draft | undefined, rego: string) {
  const name = textField({ label: "Name", value: draft?.name, maxlength: "200", required: true });
  const description = textField({ label: "Description", value: draft?.description, maxlength: "2000" });
  const text = areaField(
    {
      label: "Rego",
      class: "rego",
      rows: "22",
      hint: "Package intentgate.policy with a rule `decision`. The Tab key leaves the field.",
    },
    draft?.rego_source ?? rego,
  );
  return {
    nodes: [name.node, description.node, text.node],
    read: () => ({
      name: name.control.value.trim(),
      description: description.control.value,
      rego_source: text.control.value,
    }),
  };
}

function back(place: Place): HTMLElement {
  return element("p", {}, link("← All policies", place.at({})));
}
