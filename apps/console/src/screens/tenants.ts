// Tenants that the reader may see, and for a superadmin a new one.
import { type Child, element } from "../element.ts";
import { form, problem, textField } from "../form.ts";
import { count } from "../format.ts";
import { offered } from "../gate.ts";
import { digest, link, note, panel } from "../parts.ts";
import type { Place, Screen } from "../screen.ts";
import { table } from "../table.ts";

export const tenantsScreen: Screen = { name: "tenants", title: "Tenants", show };

async function show(place: Place): Promise<readonly Child[]> {
  const listed = table({
    caption: "Tenants",
    rows: place.tenants,
    columns: [
      { title: "Name", cell: ({ name }) => link(name, place.at({ tenant: name, screen: "overview" })) },
      {
        title: "Policy in force",
        cell: ({ active_policy_sha: sha }) =>
          sha === "" ? element("span", { class: "badge warn" }, "none: all denied") : digest(sha),
      },
      { title: "Calls that wait", kind: "number", cell: ({ pending_approvals }) => count(pending_approvals) },
      { title: "Events, 24 h", kind: "number", cell: ({ recent_event_count }) => count(recent_event_count) },
    ],
    empty: "There are no tenants.",
  });
  return [
    panel("Tenants", listed),
    panel(
      "Add",
      offered(place, "superadmin", () => addForm(place)),
    ),
  ];
}

function addForm(place: Place): HTMLElement {
  const name = textField({
    label: "Name",
    hint: "1 to 63 lower-case letters, digits or inner hyphens. It cannot be changed later.",
    maxlength: "63",
    required: true,
  });
  return element(
    "div",
    {},
    note("A new tenant denies every call until a policy is promoted."),
    form({
      label: "Add a tenant",
      fields: [name.node],
      send: "Add",
      async onSend() {
        const wanted = name.control.value.trim();
        if (wanted === "") return problem("Give the tenant a name.");
        await place.api.createTenant(wanted);
        place.again();
        place.say(`Added ${wanted}`);
        return undefined;
      },
    }),
  );
}
