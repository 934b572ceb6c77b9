// Kill switches: what is stopped now, stopping something, letting it go, and what was. A switch is thrown only after its effect was read.
import type { Halt } from "../admin-approvals.ts";
import { confirmed, openDialog } from "../dialog.ts";
import { type Child, element } from "../element.ts";
import { areaField, choiceField, form, problem, textField } from "../form.ts";
import { instant, instantOfField } from "../format.ts";
import { offered } from "../gate.ts";
import { effectOf, haltProblem, SCOPES, targetOf } from "../halt-effect.ts";
import { badge, button, link, note, nothing, panel } from "../parts.ts";
import type { Place, Screen } from "../screen.ts";
import { type Column, pagedTable } from "../table.ts";

const PAGE = 50;

export const haltsScreen: Screen = { name: "kill-switch", title: "Kill switch", show };

async function show(place: Place): Promise<readonly Child[]> {
  const { tenant, api } = place;
  const isHistory = place.route.query.state === "all";
  const query = { tenant, state: isHistory ? "all" : "on", limit: PAGE };
  const first = await api.halts(query);
  const other = isHistory
    ? link("Only what is on", place.at({}))
    : link("With what has ended", place.at({ query: { state: "all" } }));
  const listed = pagedTable(
    place,
    {
      caption: isHistory ? "Kill switches, newest first" : "Kill switches that are on, newest first",
      label: "Older ones",
      columns: columns(place),
      empty: isHistory ? "Nothing was ever stopped." : "Nothing is stopped.",
    },
    first,
    (cursor) => api.halts({ ...query, cursor }),
  );
  return [
    first.items.some(({ state }) => state === "on") ? alarm(first.items) : undefined,
    panel(isHistory ? "History" : "On now", listed, element("p", {}, other)),
    panel(
      "Stop something",
      offered(place, "operate", () => engageForm(place)),
    ),
  ];
}

function alarm(halts: readonly Halt[]): HTMLElement {
  const on = halts.filter(({ state }) => state === "on").map(targetOf);
  return element("div", { class: "banner" }, element("strong", {}, "Stopped now: "), `${on.join("; ")}.`);
}

function columns(place: Place): Column<Halt>[] {
  return [
    { title: "State", kind: "short", cell: ({ state }) => badge(state) },
    { title: "Stops", cell: (halt) => targetOf(halt) },
    { title: "Reason", cell: ({ reason }) => reason },
    { title: "Since (UTC)", kind: "short", cell: ({ engaged_at }) => instant(engaged_at) },
    { title: "By", cell: ({ engaged_by }) => engaged_by },
    {
      title: "Until (UTC)",
      cell: ({ expires_at }) => (expires_at === undefined ? "it is released" : instant(expires_at)),
    },
    { title: "Released", cell: (halt) => releasedOf(halt) },
    { title: "Let go", kind: "actions", cell: (halt) => letGo(place, halt) },
  ];
}

function releasedOf({ released_at, released_by = "", release_reason = "" }: Halt): Child {
  if (released_at === undefined) return nothing();
  return `${instant(released_at)} UTC by ${released_by}${release_reason === "" ? "" : `: ${release_reason}`}`;
}

/** What stops everybody is let go by whoever may stop everybody. */
function letGo(place: Place, halt: Halt): Child {
  const needed = halt.tenant === undefined ? "superadmin" : "operate";
  if (halt.state !== "on" || !place.may(needed)) return nothing();
  const made = button("Release…", () => release(place, halt), "text");
  made.setAttribute("aria-haspopup", "dialog");
  return made;
}

function release(place: Place, halt: Halt): void {
  const reason = areaField({ label: "Reason", rows: "2", maxlength: "512", hint: "Stands in the log." });
  openDialog(
    "Release this kill switch?",
    element("p", {}, `It stops ${targetOf(halt)}: ${halt.reason}`),
    note("What it stops may call again at once, unless another switch stops it too."),
    form({
      label: "Release",
      fields: [reason.node],
      send: "Release",
      kind: "danger",
      async onSend() {
        const why = reason.control.value.trim();
        if (why === "") return problem("Say why it may go on.");
        await place.api.releaseHalt(halt.id, why);
        place.again();
        place.say("Released");
        return undefined;
      },
    }),
  );
  reason.control.focus();
}

function engageForm(place: Place): HTMLElement {
  const offered = SCOPES.filter(([scope]) => scope !== "global" || place.may("superadmin"));
  const scope = choiceField({ label: "What to stop" }, offered, offered[0]?.[0]);
  const value = textField({
    label: "Name",
    maxlength: "256",
    hint: "The agent, the tool (* and ? are wildcards) or the token id. Nothing for the whole tenant or everybody.",
  });
  const reason = textField({
    label: "Reason",
    maxlength: "512",
    required: true,
    hint: "Whoever is stopped is shown it.",
  });
  const until = textField({
    label: "Until (UTC)",
    type: "datetime-local",
    step: "1",
    hint: "Empty: until somebody releases it.",
  });
  return form({
    label: "Stop something",
    fields: [scope.node, value.node, reason.node, until.node],
    send: "Stop…",
    kind: "danger",
    async onSend() {
      const chosen = SCOPES.find(([each]) => each === scope.control.value)?.[0];
      if (chosen === undefined) return problem("Choose what to stop.");
      const asked = { scope: chosen, value: value.control.value.trim(), reason: reason.control.value.trim() };
      const wrong = haltProblem(asked) ?? untilProblem(until.control.value, place.nowMs());
      if (wrong !== undefined) return problem(wrong);
      const consequence = effectOf({ ...asked, tenant: place.tenant });
      if (!(await confirmed("Throw this switch?", { consequence, yes: "Stop it now" }))) return undefined;
      const expires_at = instantOfField(until.control.value);
      await place.api.engageHalt({
        ...asked,
        ...(chosen === "global" ? {} : { tenant: place.tenant }),
        ...(expires_at === undefined ? {} : { expires_at }),
      });
      place.again();
      place.say(`Stopped ${targetOf(asked)}`);
      return undefined;
    },
  });
}

function untilProblem(typed: string, nowMs: number): string | undefined {
  if (typed === "") return undefined;
  const at = instantOfField(typed);
  return at === undefined || Date.parse(at) <= nowMs
    ? "The end must be an instant that is to come."
    : undefined;
}
