// Calls that wait for a person. The queue is read again by itself, the longest waiting first: what stands there stays where it is while
// somebody reads it, and what has left it is told of below.
import type { Approval } from "../admin-approvals.ts";
import { approvalCard } from "../approval-card.ts";
import { createQueue } from "../approval-queue.ts";
import { rulesTold, standing } from "../approval-standing.ts";
import { type Child, element } from "../element.ts";
import { instant } from "../format.ts";
import { actions, badge, link, note } from "../parts.ts";
import type { Place, Screen } from "../screen.ts";
import { pagedTable } from "../table.ts";

const PAGE = 50;
const EVERY_MS = 3_000;

const VIEWS = [
  ["", "Waiting"],
  ["approved", "Approved"],
  ["used", "Used"],
  ["rejected", "Rejected"],
  ["expired", "Expired"],
] as const;

export const approvalsScreen: Screen = { name: "approvals", title: "Approvals", show };

async function show(place: Place): Promise<readonly Child[]> {
  const { item, query } = place.route;
  if (item !== "") return await showOne(place, item);
  const status = VIEWS.find(([name]) => name === query.status)?.[0] ?? "";
  return [
    views(place, status),
    ...(status === "" ? await showQueue(place) : await showSettled(place, status)),
  ];
}

function views(place: Place, status: string): HTMLElement {
  return element(
    "nav",
    { class: "views", "aria-label": "Calls by what became of them" },
    ...VIEWS.map(([name, title]) => {
      const made = link(title, place.at({ query: { status: name } }));
      if (name === status) made.setAttribute("aria-current", "page");
      return made;
    }),
  );
}

async function showQueue(place: Place): Promise<readonly Child[]> {
  const settings = await place.api.settings(place.tenant).catch(() => undefined);
  const queue = createQueue(place, { rules: settings?.approvals, limit: PAGE });
  await queue.read();
  place.pulse.every(EVERY_MS, place.signal, queue.refresh);
  place.pulse.every(1_000, place.signal, queue.tick);
  const rules = settings === undefined ? "" : rulesTold(settings.approvals);
  return [rules === "" ? undefined : note(rules), queue.node];
}

async function showSettled(place: Place, status: string): Promise<readonly Child[]> {
  const query = { tenant: place.tenant, status, limit: PAGE };
  const first = await place.api.approvals(query);
  const listed = pagedTable(
    place,
    {
      caption: "Calls, newest first",
      label: "Older calls",
      columns: [
        { title: "Waited since (UTC)", kind: "short", cell: (call) => whenOf(place, call) },
        { title: "Tool", cell: ({ tool }) => element("span", { class: "tool" }, tool) },
        { title: "Agent", cell: ({ agent_id }) => agent_id },
        { title: "State", kind: "short", cell: ({ status }) => badge(status) },
        { title: "What became of it", cell: (call) => standing(call) },
      ],
      empty: `No call is ${status}.`,
    },
    first,
    (cursor) => place.api.approvals({ ...query, cursor }),
  );
  return [listed];
}

function whenOf(place: Place, { id, created_at }: Approval): HTMLElement {
  return link(instant(created_at), place.at({ item: id }));
}

/** One call by its address, such as from a message that told of it. */
async function showOne(place: Place, id: string): Promise<readonly Child[]> {
  const back = element("p", {}, link("← All calls", place.at({})));
  const approval = await place.api.approval(place.tenant, id);
  if (approval.status !== "pending") {
    const events = place.at({ screen: "events", query: { tool: approval.tool, subject: approval.agent_id } });
    return [back, approvalCard(approval, place.nowMs(), [actions(link("Its events", events))])];
  }
  const settings = await place.api.settings(place.tenant).catch(() => undefined);
  const queue = createQueue(place, { rules: settings?.approvals, limit: PAGE, only: id });
  await queue.read();
  place.pulse.every(EVERY_MS, place.signal, queue.refresh);
  place.pulse.every(1_000, place.signal, queue.tick);
  return [back, queue.node];
}
