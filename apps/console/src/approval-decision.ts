// Saying yes or no to a parked call: a dialog that repeats what exactly would run, so that a press beside the mark decides nothing, and that
// says what happened instead when somebody or the clock was faster.
import type { Approval } from "./admin-approvals.ts";
import { argumentsOf, argumentsTold } from "./approval-card.ts";
import { standing } from "./approval-standing.ts";
import { openDialog } from "./dialog.ts";
import { type Child, element } from "./element.ts";
import { isTrouble } from "./exchange.ts";
import { areaField, form } from "./form.ts";
import { faint, note } from "./parts.ts";
import type { Place } from "./screen.ts";
import { showTrouble } from "./trouble.ts";

type Decision = "approve" | "reject";

const WORDS = {
  approve: {
    title: "Approve this call?",
    consequence:
      "This exact call may run once, for a limited time; the sidecar judges it again before it runs. Anything else about it is another call.",
    send: "Approve",
    done: "Approved",
    kind: "main",
  },
  reject: {
    title: "Reject this call?",
    consequence:
      "It does not run, and the agent is told. Repeated, the same call stays rejected for a while.",
    send: "Reject",
    done: "Rejected",
    kind: "danger",
  },
} as const;

/** `onSettled` hears that something is different now, whoever did it. */
export function openDecision(
  place: Place,
  approval: Approval,
  decision: Decision,
  onSettled: () => Promise<void>,
): void {
  const { title, consequence, send, done, kind } = WORDS[decision];
  const reason = areaField({
    label: "Reason",
    rows: "2",
    maxlength: "1024",
    hint: "Stands in the log, and the agent is told of it.",
  });
  const dialog = openDialog(
    title,
    element("p", {}, element("span", { class: "tool" }, approval.tool), ` for ${approval.agent_id}`),
    element("h3", {}, argumentsTold(approval)),
    argumentsOf(approval),
    note(consequence),
    form({
      label: title,
      fields: [reason.node],
      send,
      kind,
      async onSend() {
        try {
          await place.api.decideApproval(approval, { decision, reason: reason.control.value.trim() });
        } catch (caught) {
          const instead = await whatInstead(place, approval, caught);
          void onSettled();
          return instead;
        }
        dialog.close();
        place.say(done);
        await onSettled();
        return undefined;
      },
    }),
  );
  reason.control.focus();
}

/** The refusal in its own words, and for a call that is over what became of it. */
async function whatInstead(place: Place, approval: Approval, caught: unknown): Promise<Child> {
  if (!isTrouble(caught) || caught.status !== 409) return showTrouble(caught);
  const now = await place.api.approval(approval.tenant, approval.id).catch(() => undefined);
  if (now === undefined) return showTrouble(caught, faint("How it stands now cannot be read."));
  return showTrouble(caught, element("p", {}, standing(now)));
}
