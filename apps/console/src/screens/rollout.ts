// Trying a draft on some sidecars, or beside the active policy on all of them: begin, watch what both say, widen, put in force, take back.
import { isProposed, type Rollout, type RolloutDetail } from "../admin-policies.ts";
import { createActs } from "../attempt.ts";
import { flipTold } from "../dry-run-report.ts";
import { type Child, element } from "../element.ts";
import { areaField, choiceField, form, problem, textField } from "../form.ts";
import { count, instant } from "../format.ts";
import { offeredSilently } from "../gate.ts";
import { actions, badge, code, facts, faint, link, note, nothing, panel } from "../parts.ts";
import type { Draft } from "../replies.ts";
import { rolloutFigures } from "../rollout-figures.ts";
import { readRolloutPlan, whole } from "../rollout-plan.ts";
import type { Place } from "../screen.ts";
import { table } from "../table.ts";

/** Begins a rollout of a draft as it was saved. */
export function rolloutForm(place: Place, draft: Draft): HTMLElement {
  const mode = choiceField({ label: "Mode" }, [
    ["staged", "staged: it decides in some sidecars"],
    ["shadow", "shadow: it decides nothing, differences are counted"],
  ]);
  const percent = textField({ label: "Percent of the sidecars", inputmode: "numeric", value: "10" });
  const labels = areaField({
    label: "Only sidecars with these labels",
    rows: "2",
    hint: "name=value, one a line. Empty: all of them.",
  });
  const denialsUp = textField({
    label: "Stop when denials rise by (percent points)",
    inputmode: "numeric",
    value: "10",
  });
  const callsMin = textField({ label: "… among at least so many calls", inputmode: "numeric", value: "100" });
  return element(
    "div",
    {},
    note("Tries what is saved, not what is typed but not saved. A tenant has one rollout at a time."),
    form({
      label: "Start a rollout",
      fields: [
        mode.node,
        percent.node,
        labels.node,
        element("div", { class: "pair" }, denialsUp.node, callsMin.node),
      ],
      send: "Start",
      async onSend() {
        const read = readRolloutPlan({
          mode: mode.control.value,
          percent: percent.control.value,
          labels: labels.control.value,
          denialsUp: denialsUp.control.value,
          callsMin: callsMin.control.value,
        });
        if (!read.ok) return problem(read.problem);
        const made = await place.api.startRollout({
          draft_id: draft.id,
          tenant: draft.tenant,
          ...read.plan,
        });
        place.go({});
        place.say(isProposed(made) ? "Proposed: it waits for a second person" : "The rollout has begun");
        return undefined;
      },
    }),
  );
}

/** The one that runs; undefined when none does. */
export async function runningRollout(
  place: Place,
  rollouts: readonly Rollout[],
): Promise<HTMLElement | undefined> {
  const running = rollouts.find(({ status }) => status === "running");
  if (running === undefined) return undefined;
  const rollout = await place.api.rollout(place.tenant, running.id);
  const about = facts([
    ["Candidate", link(rollout.name, place.at({ item: rollout.draft_id }))],
    ["Mode", rollout.mode],
    ["Percent", count(rollout.percent)],
    ["Labels", labelsTold(rollout)],
    ["Revision", count(rollout.revision)],
    ["Rego SHA-256", code(rollout.rego_sha256)],
    ["Begun", `${instant(rollout.started_at)} UTC by ${rollout.started_by}`],
    ["Stops by itself", stopTold(rollout)],
  ]);
  return panel(
    "Rollout under way",
    about,
    rolloutFigures(rollout),
    samples(rollout),
    offeredSilently(place, "author", () => rolloutActs(place, rollout)),
  );
}

function rolloutActs(place: Place, rollout: Rollout): HTMLElement {
  const acts = createActs(place);
  const percent = textField({ label: "Percent", inputmode: "numeric", value: String(rollout.percent) });
  const widen = form({
    label: "Change the percentage",
    fields: [percent.node],
    send: "Change",
    async onSend() {
      const value = whole(percent.control.value, 0, 100);
      if (value === undefined) return problem("Percent: a whole number from 0 to 100.");
      await place.api.changeRollout(rollout, value);
      place.again();
      place.say(`${value} percent take part`);
      return undefined;
    },
  });
  return element(
    "div",
    {},
    widen,
    actions(
      acts.button({
        label: "Complete",
        kind: "main",
        question: "Put the candidate in force everywhere?",
        consequence: `Exactly what was tried decides every call of ${rollout.tenant} from now on.`,
        act: async () =>
          isProposed(await place.api.completeRollout(rollout))
            ? "Proposed: it waits for a second person"
            : "The candidate is in force",
      }),
      acts.button({
        label: "Stop",
        kind: "danger",
        question: "Stop this rollout?",
        consequence: "Every sidecar returns to the active policy.",
        act: async () => {
          await place.api.stopRollout(rollout, "");
          return "The rollout is stopped";
        },
      }),
      acts.button({ label: "Read again", act: async () => "" }),
    ),
    acts.outcome,
  );
}

export function pastRollouts(rollouts: readonly Rollout[]): HTMLElement {
  return table({
    caption: "Rollouts that have ended, newest first",
    rows: rollouts.filter(({ status }) => status !== "running"),
    columns: [
      { title: "Begun (UTC)", kind: "short", cell: ({ started_at }) => instant(started_at) },
      { title: "Candidate", cell: ({ name }) => name },
      { title: "Mode", kind: "short", cell: ({ mode, percent }) => `${mode}, ${percent} %` },
      { title: "State", kind: "short", cell: ({ status }) => badge(status) },
      { title: "By", cell: ({ started_by }) => started_by },
      { title: "Ended", cell: (rollout) => endTold(rollout) },
    ],
    empty: "There was none yet.",
  });
}

function samples({ samples: found }: RolloutDetail): HTMLElement {
  return table({
    caption: "A few calls of which the policies say different things",
    rows: found,
    columns: [
      { title: "Difference", kind: "short", cell: ({ difference }) => flipTold(difference) },
      { title: "Tool", cell: ({ tool }) => element("span", { class: "tool" }, tool) },
      { title: "Agent", cell: ({ agent }) => agent || nothing() },
      { title: "Request id", cell: ({ request_id }) => code(request_id) },
    ],
    empty: "No call was noted of which they say different things.",
  });
}

function labelsTold({ labels }: Rollout): Child {
  const told = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return told.length === 0 ? faint("all sidecars") : told.join(", ");
}

function stopTold({ mode, stop_when }: Rollout): string {
  const { denials_up_percent_points: points, calls_min } = stop_when;
  return mode === "shadow"
    ? "no: it decides nothing"
    : `when denials rise by ${points} percent points among at least ${count(calls_min)} calls`;
}

function endTold({ ended_at, ended_by = "", end_reason = "" }: Rollout): Child {
  if (ended_at === undefined) return nothing();
  return `${instant(ended_at)} UTC by ${ended_by}${end_reason === "" ? "" : `: ${end_reason}`}`;
}
