// The log, newest first: filters that stand in the address, pages that grow at the end, and one event in full on demand.
import type { AuditEvent } from "@postern/contracts";
import { type Child, element } from "../element.ts";
import { openEvent } from "../event-detail.ts";
import { choiceField, form, textField } from "../form.ts";
import { fieldOfInstant, instant, instantOfField, milliseconds } from "../format.ts";
import { badge, button, link, note, nothing } from "../parts.ts";
import type { Place, Screen } from "../screen.ts";
import { DECISIONS, isToolCall } from "../summary.ts";
import { pagedTable } from "../table.ts";

const PAGE = 50;

export const eventsScreen: Screen = { name: "events", title: "Events", show };

async function show(place: Place): Promise<readonly Child[]> {
  const { decision, tool, subject, since, until } = place.route.query;
  const query = { tenant: place.tenant, decision, tool, subject, since, until, limit: PAGE };
  const first = await place.api.events(query);
  return [
    filters(place),
    pagedTable(
      place,
      {
        caption: "Events, newest first",
        label: "Older events",
        columns: [
          { title: "Time (UTC)", kind: "short", cell: (event) => timeOf(place, event) },
          { title: "Decision", kind: "short", cell: ({ decision }) => badge(decision) },
          { title: "Tool", cell: (event) => toolOf(event) },
          { title: "Agent", cell: ({ agent_id, actor }) => agent_id || actor || nothing() },
          { title: "Reason", cell: (event) => reasonOf(event) },
          {
            title: "Outcome",
            kind: "short",
            cell: ({ outcome }) => (outcome === "none" ? nothing() : badge(outcome)),
          },
          { title: "Latency", kind: "number", cell: (event) => latencyOf(event) },
        ],
        empty: element(
          "p",
          {},
          "No event matches. ",
          link("Remove the filters", place.at({})),
          ", or make a call through a sidecar of this tenant.",
        ),
      },
      first,
      (cursor) => place.api.events({ ...query, cursor }),
    ),
    note("Reading the log is itself an event of the log."),
  ];
}

function filters(place: Place): HTMLElement {
  const { query } = place.route;
  const decision = choiceField(
    { label: "Decision" },
    [["", "any"], ...DECISIONS.map((name) => [name, name] as const)],
    query.decision,
  );
  const tool = textField({ label: "Tool", value: query.tool, placeholder: "exact name" });
  const subject = textField({ label: "Agent", value: query.subject, placeholder: "exact name" });
  const instantField = (label: string, value = "") =>
    textField({ label, type: "datetime-local", value: fieldOfInstant(value) });
  const since = instantField("Since (UTC)", query.since);
  const until = instantField("Until (UTC)", query.until);
  return form({
    label: "Filters",
    class: "filters",
    fields: [decision, tool, subject, since, until].map(({ node }) => node),
    send: "Filter",
    beside: [link("Remove filters", place.at({}))],
    onSend() {
      const asked = {
        decision: decision.control.value,
        tool: tool.control.value,
        subject: subject.control.value,
        since: instantOfField(since.control.value) ?? "",
        until: instantOfField(until.control.value) ?? "",
      };
      place.go({ query: asked });
      return undefined;
    },
  });
}

function timeOf(place: Place, event: AuditEvent): HTMLElement {
  const made = button(instant(event.ts), () => openEvent(place, event), "text");
  made.setAttribute("aria-haspopup", "dialog");
  return made;
}

function toolOf(event: AuditEvent): HTMLElement {
  return element(
    "span",
    { class: isToolCall(event) ? "tool" : "tool faint" },
    event.tool || event.method || "–",
  );
}

/** Codes begin with the name of the check; the check stands alone where there is no code. */
function reasonOf({ check, reason, reasons }: AuditEvent): Child {
  const codes = reasons.length === 0 && check !== "" ? [check] : reasons;
  if (reason === "" && codes.length === 0) return nothing();
  return element(
    "span",
    { class: "reason" },
    ...codes.map((each) => element("code", {}, each)),
    reason === "" ? undefined : element("span", {}, reason),
  );
}

function latencyOf(event: AuditEvent): Child {
  return isToolCall(event) ? milliseconds(event.latency_ms) : nothing();
}
