// A tenant's own rules: who must look at what, and for how long it counts.
import type { Settings } from "../admin-setup.ts";
import type { Child } from "../element.ts";
import { checkField, choiceField, form, problem, textField } from "../form.ts";
import { offered } from "../gate.ts";
import { facts, note, panel } from "../parts.ts";
import { whole } from "../rollout-plan.ts";
import type { Place, Screen } from "../screen.ts";

const SECONDS_MIN = 5;
const SECONDS_MAX = 604_800;

export const settingsScreen: Screen = { name: "settings", title: "Settings", show };

async function show(place: Place): Promise<readonly Child[]> {
  const settings = await place.api.settings(place.tenant);
  const { approvals, policies } = settings;
  return [
    panel(
      "In force",
      facts([
        ["Four eyes on calls", approvals.four_eyes ? "yes" : "no"],
        ["People who must say yes", String(approvals.approvers_required)],
        ["Role that decides", approvals.role],
        ["A call waits for", `${approvals.pending_seconds} s`],
        ["An approval may be used for", `${approvals.use_seconds} s`],
        ["Two people for policies", policies.two_person ? "yes" : "no"],
      ]),
    ),
    panel(
      "Change",
      offered(place, "administer", () => changeForm(place, settings)),
    ),
  ];
}

function changeForm(place: Place, { approvals, policies }: Settings): HTMLElement {
  const fourEyes = checkField({
    label: "Whoever issued a call's token may not decide on it",
    checked: approvals.four_eyes,
  });
  const people = textField({
    label: "People who must say yes",
    inputmode: "numeric",
    value: String(approvals.approvers_required),
  });
  const role = choiceField(
    { label: "Role that decides" },
    [
      ["approver", "approver"],
      ["admin", "admin: an approver's role is not enough"],
    ],
    approvals.role,
  );
  const pending = textField({
    label: "Seconds that a call waits",
    inputmode: "numeric",
    value: String(approvals.pending_seconds),
  });
  const use = textField({
    label: "Seconds that an approval may be used",
    inputmode: "numeric",
    value: String(approvals.use_seconds),
  });
  const twoPerson = checkField({
    label: "Promoting and rolling back policies need a second person",
    checked: policies.two_person,
  });
  return form({
    label: "Change the settings",
    fields: [
      fourEyes.node,
      people.node,
      role.node,
      pending.node,
      use.node,
      twoPerson.node,
      note("Calls that wait already keep the number of people that was asked for when they were parked."),
    ],
    send: "Save",
    async onSend() {
      const approvers_required = whole(people.control.value, 1, 5);
      if (approvers_required === undefined) return problem("People: a whole number from 1 to 5.");
      const pending_seconds = whole(pending.control.value, SECONDS_MIN, SECONDS_MAX);
      const use_seconds = whole(use.control.value, SECONDS_MIN, SECONDS_MAX);
      if (pending_seconds === undefined || use_seconds === undefined)
        return problem(`Seconds: whole numbers from ${SECONDS_MIN} to ${SECONDS_MAX}.`);
      await place.api.changeSettings({
        tenant: place.tenant,
        approvals: {
          four_eyes: fourEyes.control.checked,
          approvers_required,
          role: role.control.value,
          pending_seconds,
          use_seconds,
        },
        policies: { two_person: twoPerson.control.checked },
      });
      place.again();
      place.say("Saved");
      return undefined;
    },
  });
}
