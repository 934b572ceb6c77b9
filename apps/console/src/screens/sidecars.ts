// Which sidecars may connect, and the enrolment of a new one.
import { confirmed } from "../dialog.ts";
import { type Child, element } from "../element.ts";
import { form, textField } from "../form.ts";
import { instant } from "../format.ts";
import { offered, offeredSilently } from "../gate.ts";
import { button, code, faint, note, nothing, panel } from "../parts.ts";
import type { Sidecar } from "../replies.ts";
import type { Place, Screen } from "../screen.ts";
import { shownOnce } from "../secret.ts";
import { pagedTable } from "../table.ts";
import { showTrouble } from "../trouble.ts";

const PAGE = 100;

export const sidecarsScreen: Screen = { name: "sidecars", title: "Sidecars", show };

async function show(place: Place): Promise<readonly Child[]> {
  const query = { tenant: place.tenant, limit: PAGE };
  const outcome = element("div", { class: "outcome" });
  const first = await place.api.sidecars(query);
  const enrolled = pagedTable(
    place,
    {
      caption: "Enrolled sidecars",
      label: "More sidecars",
      columns: [
        { title: "Name", cell: ({ name }) => name || faint("unnamed") },
        { title: "Id", cell: ({ sidecar_id }) => code(sidecar_id) },
        { title: "Host", cell: ({ hostname }) => hostname ?? nothing() },
        { title: "Version", cell: ({ version }) => version ?? nothing() },
        { title: "Boots", kind: "number", cell: ({ epoch }) => String(epoch) },
        {
          title: "Last boot (UTC)",
          cell: ({ registered_at }) =>
            registered_at === undefined ? faint("never registered") : instant(registered_at),
        },
        {
          title: "Remove",
          kind: "actions",
          cell: (sidecar) =>
            offeredSilently(place, "administer", () =>
              button("Remove", () => void remove(place, sidecar, outcome), "text"),
            ),
        },
      ],
      empty: "No sidecar is enrolled. Enrol one, and start it with the credential that is shown.",
    },
    first,
    (cursor) => place.api.sidecars({ ...query, cursor }),
  );
  return [
    panel("Enrolled", enrolled, outcome),
    panel(
      "Enrol",
      offered(place, "administer", () => enrolForm(place)),
    ),
  ];
}

async function remove(place: Place, { sidecar_id, name }: Sidecar, outcome: HTMLElement): Promise<void> {
  const consequence =
    "Its credential stops working at once. Records that it has not delivered yet stay on its disk and do not reach the log.";
  if (!(await confirmed(`Remove ${name || sidecar_id}?`, { consequence, yes: "Remove" }))) return;
  try {
    await place.api.removeSidecar(place.tenant, sidecar_id);
    place.again();
    place.say("Removed");
  } catch (caught) {
    outcome.replaceChildren(showTrouble(caught));
  }
}

function enrolForm(place: Place): HTMLElement {
  const name = textField({
    label: "Name",
    hint: "For people, such as the pod it stands beside.",
    maxlength: "200",
  });
  return form({
    label: "Enrol a sidecar",
    fields: [name.node],
    send: "Enrol",
    async onSend() {
      const added = await place.api.addSidecar({ tenant: place.tenant, name: name.control.value.trim() });
      place.say("Enrolled");
      return element(
        "div",
        {},
        shownOnce({
          title: "The new sidecar's credential",
          secretLabel: "Credential",
          secret: added.credential,
          about: [
            ["Sidecar id", code(added.sidecar_id)],
            ["Tenant", added.tenant],
            ["Trust root", code(added.trust_root)],
          ],
          say: place.say,
        }),
        note(
          "Start it with ",
          code("POSTERN_SIDECAR_CREDENTIAL"),
          " and ",
          code("POSTERN_TRUST_ROOT"),
          ". It appears in the list when this page is read again.",
        ),
      );
    },
  });
}
