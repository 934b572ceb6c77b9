// Tools by upstream: which definition of each is approved, what waits and what differs. What a definition says was written by whoever runs the
// tool server, so it is text, whole and with nothing hidden in it.
import type { Difference, Tool, ToolDetail } from "../admin-setup.ts";
import { createActs } from "../attempt.ts";
import { type Child, element } from "../element.ts";
import { areaField, choiceField, form, textField } from "../form.ts";
import { instant } from "../format.ts";
import { offered, offeredSilently } from "../gate.ts";
import { actions, badge, code, facts, faint, link, note, nothing, panel, source } from "../parts.ts";
import type { Place, Screen } from "../screen.ts";
import { pagedTable, table } from "../table.ts";

const PAGE = 100;
const STATUSES = ["pinned", "quarantined", "blocked"] as const;
const MODES = [
  ["trust_first", "trust first: the first definition is approved by being seen"],
  ["approve_all", "approve all: every definition waits"],
  ["off", "off: nothing is held back"],
] as const;

export const toolsScreen: Screen = { name: "tools", title: "Tools", show };

async function show(place: Place): Promise<readonly Child[]> {
  const { item, query: asked } = place.route;
  const { api, tenant } = place;
  if (item !== "") return await showOne(place, item);
  const query = { tenant, status: asked.status, upstream: asked.upstream, limit: PAGE };
  const [first, { mode }] = await Promise.all([api.tools(query), api.toolMode(tenant)]);
  const listed = pagedTable(
    place,
    {
      caption: "Tools by upstream and name",
      label: "More tools",
      columns: [
        {
          title: "Tool",
          cell: ({ id, name }) => link(element("span", { class: "tool" }, name), place.at({ item: id })),
        },
        { title: "Upstream", cell: ({ upstream }) => upstream },
        { title: "State", kind: "short", cell: ({ status }) => badge(status) },
        { title: "Held back by", cell: ({ held_by = "" }) => code(held_by) },
        { title: "Look at", cell: ({ flags }) => (flags.length === 0 ? nothing() : flags.join(", ")) },
        {
          title: "Approved by",
          cell: ({ decided_by, approved_by_person }) =>
            decided_by || (approved_by_person ? nothing() : faint("first sight")),
        },
        { title: "Last seen (UTC)", kind: "short", cell: ({ last_seen_at }) => instant(last_seen_at) },
      ],
      empty: "No tool matches. Sidecars tell of a tool once they have seen it.",
    },
    first,
    (cursor) => api.tools({ ...query, cursor }),
  );
  return [filters(place), listed, panel("Which tools need approval", modePanel(place, mode))];
}

function filters(place: Place): HTMLElement {
  const { query } = place.route;
  const status = choiceField(
    { label: "State" },
    [["", "any"], ...STATUSES.map((name) => [name, name] as const)],
    query.status,
  );
  const upstream = textField({ label: "Upstream", value: query.upstream, placeholder: "exact name" });
  return form({
    label: "Filters",
    class: "filters",
    fields: [status.node, upstream.node],
    send: "Filter",
    beside: [link("Remove filters", place.at({}))],
    onSend() {
      place.go({ query: { status: status.control.value, upstream: upstream.control.value.trim() } });
      return undefined;
    },
  });
}

function modePanel(place: Place, mode: string): Child {
  const now = note(`Now: ${MODES.find(([name]) => name === mode)?.[1] ?? mode}.`);
  if (!place.may("administer")) return now;
  const choice = choiceField({ label: "Mode" }, MODES, mode);
  return element(
    "div",
    {},
    now,
    form({
      label: "Change which tools need approval",
      fields: [choice.node],
      send: "Change",
      async onSend() {
        await place.api.setToolMode(place.tenant, choice.control.value);
        place.again();
        place.say("Changed");
        return undefined;
      },
    }),
  );
}

async function showOne(place: Place, id: string): Promise<readonly Child[]> {
  const tool = await place.api.tool(place.tenant, id);
  return [
    element("p", {}, link("← All tools", place.at({}))),
    panel(tool.name, about(tool)),
    tool.waiting_digest === undefined ? undefined : panel("What waits differs in", differences(tool)),
    element(
      "div",
      { class: "halves" },
      panel("Approved", definition(tool.approved, "The approved definition")),
      panel("Waiting", definition(tool.waiting, "The waiting definition")),
    ),
    panel("Decide", decisions(place, tool)),
  ];
}

function about(tool: ToolDetail): HTMLElement {
  const { decided_by, decided_at, decision_reason, flags, held_by = "" } = tool;
  return facts([
    ["State", badge(tool.status)],
    ["Upstream", tool.upstream],
    ["Held back by", code(held_by)],
    ["To look at", flags.length === 0 ? faint("nothing") : flags.join(", ")],
    ["First seen", `${instant(tool.first_seen_at)} UTC`],
    ["Last seen", `${instant(tool.last_seen_at)} UTC by the sidecar ${tool.seen_by}`],
    ["Decided", decided_by === "" ? faint("by nobody yet") : `${instant(decided_at)} UTC by ${decided_by}`],
    ["Reason", decision_reason || nothing()],
  ]);
}

function differences({ differences: found, differences_whole }: ToolDetail): HTMLElement {
  if (found === undefined) return faint("One of the two is not known here, so they cannot be compared.");
  return element(
    "div",
    {},
    table({
      caption: "From what is approved to what waits",
      rows: found,
      columns: [
        { title: "Place", cell: ({ pointer }) => code(pointer) },
        { title: "Approved", cell: (each) => side(each, "before") },
        { title: "Waiting", cell: (each) => side(each, "after") },
      ],
      empty: "Nothing.",
    }),
    differences_whole === false ? note("There are more differences than are told here.") : undefined,
  );
}

function side(difference: Difference, name: "before" | "after"): HTMLElement {
  if (!(name in difference)) return faint(name === "before" ? "not there" : "taken away");
  const shown = source(JSON.stringify(difference[name], undefined, 2), name);
  shown.classList.add("wrapped");
  return shown;
}

function definition(given: object | undefined, label: string): HTMLElement {
  if (given === undefined) return faint("None is known here.");
  const shown = source(JSON.stringify(given, undefined, 2), label);
  shown.classList.add("wrapped");
  return shown;
}

function decisions(place: Place, tool: Tool): Child {
  const { waiting_digest, approved_digests } = tool;
  const digests = [...(waiting_digest === undefined ? [] : [waiting_digest]), ...approved_digests];
  const reason = areaField({ label: "Reason", rows: "2", maxlength: "2000" });
  const acts = createActs(place);
  const why = () => reason.control.value.trim();
  const approve = (digest: string) =>
    acts.button({
      label: digest === waiting_digest ? "Approve what waits" : `Approve ${digest.slice(0, 12)}… again`,
      kind: digest === waiting_digest ? "main" : "quiet",
      question: `Approve this definition of ${tool.name}?`,
      consequence: `Digest ${digest}. It may be used from now on, and no other.`,
      act: async () => {
        await place.api.approveTool(tool, { digest, reason: why() });
        return "Approved";
      },
    });
  const quarantine = acts.button({
    label: "Quarantine",
    kind: "danger",
    question: `Take ${tool.name} out of use?`,
    consequence: "No definition of it may be used until one is approved again.",
    act: async () => {
      await place.api.quarantineTool(tool, { reason: why() });
      return "It is out of use";
    },
  });
  if (!place.may("approve") && !place.may("operate")) return offered(place, "approve", () => undefined);
  const offers = [
    ...digests.map((digest) => offeredSilently(place, "approve", () => approve(digest))),
    tool.status === "blocked" ? undefined : offeredSilently(place, "operate", () => quarantine),
  ];
  return element("div", {}, reason.node, actions(...offers), acts.outcome);
}
