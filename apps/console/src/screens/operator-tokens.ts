// What an operator signs in with: tokens, shown once when they are issued, and sessions.
import type { Operator, OperatorToken } from "../admin-people.ts";
import { type Acts, createActs } from "../attempt.ts";
import { type Child, element } from "../element.ts";
import { form, problem, textField } from "../form.ts";
import { instant } from "../format.ts";
import { offeredSilently } from "../gate.ts";
import { code, faint, nothing } from "../parts.ts";
import { whole } from "../rollout-plan.ts";
import type { Place } from "../screen.ts";
import { shownOnce } from "../secret.ts";
import { table } from "../table.ts";

const DAY_SECONDS = 86_400;
const DAYS_MAX = 3_650;

export async function tokensOf(place: Place, operator: Operator): Promise<HTMLElement> {
  const acts = createActs(place);
  const listed = table({
    caption: `What ${operator.name} signs in with`,
    rows: await place.api.operatorTokens(operator),
    columns: [
      { title: "Kind", kind: "short", cell: ({ kind }) => kind },
      { title: "For", cell: ({ label }) => label || nothing() },
      { title: "Id", cell: ({ id }) => code(id) },
      { title: "Since (UTC)", kind: "short", cell: ({ created_at }) => instant(created_at) },
      { title: "By", cell: ({ created_by }) => created_by },
      {
        title: "Until (UTC)",
        cell: ({ expires_at }) => (expires_at === undefined ? faint("it is revoked") : instant(expires_at)),
      },
      { title: "Revoke", kind: "actions", cell: (token) => revoke(place, acts, operator, token) },
    ],
    empty: "Nothing leads in for this operator now.",
  });
  return element(
    "div",
    {},
    listed,
    acts.outcome,
    offeredSilently(place, "administer", () => issueForm(place, operator)),
  );
}

function revoke(place: Place, acts: Acts, operator: Operator, token: OperatorToken): Child {
  if (!place.may("administer")) return nothing();
  return acts.button({
    label: "Revoke",
    kind: "text",
    question: `Revoke this ${token.kind} of ${operator.name}?`,
    consequence: "It is refused from now on.",
    act: async () => {
      await place.api.revokeOperatorToken(operator, token.id);
      return "Revoked";
    },
  });
}

function issueForm(place: Place, operator: Operator): HTMLElement {
  const label = textField({ label: "What it is for", maxlength: "200" });
  const days = textField({
    label: "Valid for days",
    inputmode: "numeric",
    value: "90",
    hint: "Empty: until it is revoked.",
  });
  return form({
    label: "Issue a token",
    fields: [label.node, days.node],
    send: "Issue",
    async onSend() {
      const typed = days.control.value.trim();
      const count = whole(typed, 1, DAYS_MAX);
      if (typed !== "" && count === undefined)
        return problem(`Days: a whole number from 1 to ${DAYS_MAX}, or nothing.`);
      const issued = await place.api.issueOperatorToken(operator, {
        label: label.control.value.trim(),
        ...(count === undefined ? {} : { ttl_seconds: count * DAY_SECONDS }),
      });
      place.say("Issued");
      return shownOnce({
        title: `The new token of ${operator.name}`,
        secretLabel: "Token",
        secret: issued.token,
        about: [["Id", code(issued.id)]],
        say: place.say,
      });
    },
  });
}
