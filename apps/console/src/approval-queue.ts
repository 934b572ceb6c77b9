// The queue of calls that wait, as it stands on the page. A card is drawn anew only when its call has changed, so that neither the focus nor
// what is read jumps about; new calls come at the end, and calls that have left are told of with what became of them.
import type { Approval } from "./admin-approvals.ts";
import type { Settings } from "./admin-setup.ts";
import { approvalCard, tellTimeLeft } from "./approval-card.ts";
import { openDecision } from "./approval-decision.ts";
import { standing, whyNot } from "./approval-standing.ts";
import { type Child, element } from "./element.ts";
import { counted, instant } from "./format.ts";
import { actions, badge, button, link, note } from "./parts.ts";
import type { Place } from "./screen.ts";
import { showTrouble } from "./trouble.ts";

const SETTLED_MAX = 20;

interface Shown {
  readonly approval: Approval;
  readonly text: string;
  readonly card: HTMLElement;
}

export interface Queue {
  readonly node: HTMLElement;
  /** Reads the queue. Raises Trouble. */
  read(): Promise<void>;
  /** As `read`, but trouble is told on the page, where the last that was read stays. */
  refresh(): Promise<void>;
  /** Tells anew how much time is left. */
  tick(): void;
}

/** `only` is the id of the one call that is looked at. */
export function createQueue(
  place: Place,
  { rules, limit, only }: { rules: Settings["approvals"] | undefined; limit: number; only?: string },
): Queue {
  const cards = element("div", { class: "calls" });
  const trouble = element("div", { class: "outcome" });
  const foot = element("div", { class: "foot" });
  const settledList = element("ul", { class: "settled", "aria-label": "Settled while you watched" });
  let shown: ReadonlyMap<string, Shown> = new Map();
  let pages = 1;
  let isFirst = true;
  /** Only the newest reading counts. */
  let turn = 0;

  async function read(): Promise<void> {
    const now = ++turn;
    const { calls, more } =
      only === undefined ? await readPages(place, limit, pages) : await readOne(place, only);
    if (now !== turn || place.signal.aborted) return;
    const before = shown;
    draw(calls);
    const gone = [...before.values()].filter(({ approval }) => !shown.has(approval.id));
    const come = [...shown.keys()].filter((id) => !before.has(id)).length;
    if (!isFirst && come > 0) place.say(`${counted(come, "new call")} waiting for a person`);
    isFirst = false;
    if (only === undefined) place.tellWaiting(calls.length);
    foot.replaceChildren(...(more ? [olderOffer(calls.length)] : []));
    for (const { approval } of gone) await tellSettled(approval);
  }

  function draw(calls: readonly Approval[]): void {
    const drawn = calls.map((approval) => {
      const known = shown.get(approval.id);
      const text = JSON.stringify(approval);
      return known?.text === text ? known : { approval, text, card: cardOf(approval) };
    });
    const held = [...shown.values()].find(({ card }) => card.contains(document.activeElement));
    const label = held === undefined ? "" : document.activeElement?.textContent;
    shown = new Map(drawn.map((each) => [each.approval.id, each]));
    settle(cards, drawn.length === 0 ? [emptyNote()] : drawn.map(({ card }) => card));
    // A card that was drawn anew keeps the focus where it was.
    const anew = held && shown.get(held.approval.id)?.card;
    if (anew === undefined || anew === held?.card) return;
    [...anew.querySelectorAll("button")].find(({ textContent }) => textContent === label)?.focus();
  }

  function cardOf(approval: Approval): HTMLElement {
    const why = whyNot(approval, place.me, rules);
    const decide = (label: string, decision: "approve" | "reject", kind: "main" | "danger") => {
      const made = button(label, () => openDecision(place, approval, decision, refresh), kind);
      made.setAttribute("aria-haspopup", "dialog");
      return made;
    };
    const under: Child =
      why === undefined
        ? actions(decide("Approve…", "approve", "main"), decide("Reject…", "reject", "danger"))
        : note(why);
    return approvalCard(approval, place.nowMs(), [under]);
  }

  function emptyNote(): HTMLElement {
    return element(
      "div",
      { class: "empty" },
      only === undefined ? "Nothing waits for a person." : "It waits no longer.",
    );
  }

  function olderOffer(count: number): HTMLElement {
    const offer = button("Show older calls too", () => {
      pages += 1;
      void refresh();
    });
    return element("div", {}, note(`More than the ${count} newest calls wait. `), offer);
  }

  async function tellSettled({ tenant, id, tool, agent_id }: Approval): Promise<void> {
    const now = await place.api.approval(tenant, id).catch(() => undefined);
    if (now === undefined || now.status === "pending" || place.signal.aborted) return;
    const line = element(
      "li",
      {},
      badge(now.status),
      " ",
      link(element("span", { class: "tool" }, tool), place.at({ item: id })),
      ` for ${agent_id}. ${standing(now)}`,
    );
    settledList.prepend(line);
    while (settledList.childElementCount > SETTLED_MAX) settledList.lastElementChild?.remove();
  }

  async function refresh(): Promise<void> {
    try {
      await read();
      trouble.replaceChildren();
    } catch (caught) {
      if (place.signal.aborted) return;
      const at = instant(new Date(place.nowMs()).toISOString());
      trouble.replaceChildren(
        showTrouble(
          caught,
          element("p", {}, `What is shown may be out of date since ${at} UTC. It is read again by itself.`),
        ),
      );
    }
  }

  function tick(): void {
    for (const { approval, card } of shown.values()) tellTimeLeft(card, approval, place.nowMs());
  }

  return { node: element("div", { class: "queue" }, trouble, cards, foot, settledList), read, refresh, tick };
}

/** The newest pages, the longest waiting first. */
async function readPages(place: Place, limit: number, pages: number) {
  const calls: Approval[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < pages; page += 1) {
    const read = await place.api.approvals({ tenant: place.tenant, limit, cursor });
    calls.push(...read.items);
    cursor = read.next_cursor;
    if (cursor === undefined) break;
  }
  return { calls: calls.reverse(), more: cursor !== undefined };
}

async function readOne(place: Place, id: string) {
  const approval = await place.api.approval(place.tenant, id);
  return { calls: approval.status === "pending" ? [approval] : [], more: false };
}

/** Makes the children these, without touching those that are there already. */
function settle(parent: HTMLElement, wanted: readonly HTMLElement[]): void {
  for (const child of [...parent.children]) {
    if (!wanted.some((each) => each === child)) child.remove();
  }
  wanted.forEach((child, n) => {
    if (parent.children[n] !== child) parent.insertBefore(child, parent.children[n] ?? null);
  });
}
