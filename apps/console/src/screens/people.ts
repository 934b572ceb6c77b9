// Who one is and what one may do, who else uses the admin interface, and roles that are lent for a while.
import { type Operator, ROLES } from "../admin-people.ts";
import { createActs } from "../attempt.ts";
import { type Child, element } from "../element.ts";
import { checkField, form, problem, textField } from "../form.ts";
import { instant } from "../format.ts";
import { offered } from "../gate.ts";
import { actions, code, facts, faint, link, note, nothing, panel } from "../parts.ts";
import type { Place, Screen } from "../screen.ts";
import { pagedTable } from "../table.ts";
import { elevationTable, requestForm } from "./elevations.ts";
import { tokensOf } from "./operator-tokens.ts";

const PAGE = 100;

export const peopleScreen: Screen = { name: "people", title: "People", show };

async function show(place: Place): Promise<readonly Child[]> {
  const { api, tenant } = place;
  if (place.route.item !== "") return await showOperator(place, place.route.item);
  const query = { tenant, limit: PAGE };
  const [first, elevations] = await Promise.all([
    api.operators(query),
    api.elevations({ tenant, limit: PAGE }),
  ]);
  const listed = pagedTable(
    place,
    {
      caption: "Operators by name",
      label: "More operators",
      columns: [
        { title: "Name", cell: ({ id, name }) => link(name, place.at({ item: id })) },
        { title: "Roles", cell: (operator) => rolesOf(operator) },
        {
          title: "Signs in with",
          cell: ({ identity }) => (identity === undefined ? "tokens" : identity.issuer),
        },
        { title: "Added (UTC)", kind: "short", cell: ({ created_at }) => instant(created_at) },
        { title: "By", cell: ({ created_by }) => created_by },
      ],
      empty: "There are no operators: only the tokens of the environment lead in.",
    },
    first,
    (cursor) => api.operators({ ...query, cursor }),
  );
  return [
    panel("You", whoAmI(place)),
    panel("Elevations", elevationTable(place, elevations.items)),
    panel("Ask for a role", requestForm(place)),
    panel("Operators", listed),
    panel(
      "Add an operator",
      offered(place, "administer", () => addForm(place)),
    ),
  ];
}

function whoAmI({ me }: Place): HTMLElement {
  return facts([
    ["Name in the log", code(me.name)],
    ["Tenant", me.tenant ?? "all of them"],
    ["Roles", me.roles.length === 0 ? faint("above all roles") : me.roles.join(", ")],
    ["You may", me.permissions.join(", ")],
    [
      "Signed in until",
      me.expires_at === undefined ? faint("no end is known") : `${instant(me.expires_at)} UTC`,
    ],
  ]);
}

function rolesOf({ roles, roles_from }: Operator): Child {
  return `${roles.join(", ")}${roles_from === "provider" ? " (of the identity provider)" : ""}`;
}

/** A box for each role. */
function roleFields(held: readonly string[]) {
  const boxes = ROLES.map((role) => ({
    role,
    field: checkField({ label: role, checked: held.includes(role) }),
  }));
  const node = element(
    "fieldset",
    {},
    element("legend", {}, "Roles"),
    ...boxes.map(({ field }) => field.node),
  );
  return { node, read: () => boxes.filter(({ field }) => field.control.checked).map(({ role }) => role) };
}

function addForm(place: Place): HTMLElement {
  const name = textField({
    label: "Name",
    maxlength: "64",
    hint: "It never changes, and is given to nobody else.",
  });
  const roles = roleFields(["viewer"]);
  return form({
    label: "Add an operator",
    fields: [name.node, roles.node],
    send: "Add",
    async onSend() {
      const named = name.control.value.trim();
      if (named === "") return problem("Give the operator a name.");
      if (roles.read().length === 0) return problem("Choose at least one role.");
      const added = await place.api.addOperator({ tenant: place.tenant, name: named, roles: roles.read() });
      place.go({ item: added.id });
      return undefined;
    },
  });
}

async function showOperator(place: Place, id: string): Promise<readonly Child[]> {
  const operator = await place.api.operator(place.tenant, id);
  const { identity } = operator;
  return [
    element("p", {}, link("← All people", place.at({}))),
    panel(
      operator.name,
      facts([
        ["Roles", rolesOf(operator)],
        [
          "At the identity provider",
          identity === undefined ? nothing() : `${identity.subject} of ${identity.issuer}`,
        ],
        ["Added", `${instant(operator.created_at)} UTC by ${operator.created_by}`],
      ]),
    ),
    panel("Tokens and sessions", await tokensOf(place, operator)),
    panel(
      "Roles",
      offered(place, "administer", () => roleForm(place, operator)),
    ),
    panel(
      "Remove",
      offered(place, "administer", () => removal(place, operator)),
    ),
  ];
}

function roleForm(place: Place, operator: Operator): HTMLElement {
  const roles = roleFields(operator.roles);
  return form({
    label: "Change the roles",
    fields: [
      operator.roles_from === "provider"
        ? note("They come from the identity provider; what is set here counts from then on in their place.")
        : undefined,
      roles.node,
    ],
    send: "Change",
    async onSend() {
      if (roles.read().length === 0) return problem("Choose at least one role.");
      await place.api.changeOperator(operator, { roles: roles.read() });
      place.again();
      place.say("Changed");
      return undefined;
    },
  });
}

function removal(place: Place, operator: Operator): HTMLElement {
  const acts = createActs(place);
  const remove = acts.button({
    label: "Remove",
    kind: "danger",
    question: `Remove ${operator.name} for good?`,
    consequence: "Tokens and sessions are refused from now on, and the name stays taken.",
    act: async () => {
      await place.api.removeOperator(operator);
      place.go({});
      return "Removed";
    },
  });
  return element("div", {}, actions(remove), acts.outcome);
}
