// What stays while screens come and go: brand, tenant switcher, navigation, the heading and the status line.
import { element } from "./element.ts";
import { button, link } from "./parts.ts";
import type { Tenant } from "./replies.ts";
import type { Place, Screen } from "./screen.ts";

export interface Frame {
  readonly node: HTMLElement;
  /** A screen is about to be shown: title, navigation, and a word that it is being read. */
  begin(place: Place, screen: Screen): void;
  fill(nodes: readonly Node[]): void;
  say(text: string): void;
  /** What stands over every screen; undefined = nothing. */
  setBar(bar: HTMLElement | undefined): void;
  /** How many calls of the tenant wait for a person. */
  tellWaiting(count: number): void;
}

/** The chain of what the control plane does without a tenant, such as failed sign-ins. Only a superadmin sees several tenants. */
const SYSTEM_TENANT = "postern-system";

export function createFrame(options: { screens: readonly Screen[]; onSignOut: () => void }): Frame {
  const heading = element("h1", { tabindex: "-1" });
  const content = element("div", { class: "content" });
  const status = element("p", { class: "status", role: "status" });
  const bar = element("div", { class: "bar-place" });
  const main = element("main", { tabindex: "-1" }, bar, heading, content);
  const switcher = element("div", { class: "switcher" });
  const list = element("ul");
  const side = element(
    "header",
    { class: "side" },
    element("p", { class: "brand" }, "Postern"),
    switcher,
    element("nav", { "aria-label": "Screens" }, list),
    button("Sign out", options.onSignOut, "text"),
  );
  const skip = button("Skip to content", () => main.focus(), "main");
  skip.classList.add("skip");
  const waiting = element("span", { class: "waiting" });
  const waitingTold = element("span", { class: "unseen" });
  let shownAt = "";

  return {
    node: element("div", { class: "frame" }, skip, side, main, status),
    begin(place, screen) {
      const address = place.at({ item: place.route.item });
      // A screen that is merely shown anew keeps the focus where it is.
      const isNew = address !== shownAt;
      const isFirst = shownAt === "";
      shownAt = address;
      heading.textContent = screen.title;
      list.replaceChildren(
        ...options.screens.map((each) =>
          entryOf(place, each, screen, each.name === "approvals" ? [waiting, waitingTold] : []),
        ),
      );
      switcher.replaceChildren(...switcherOf(place));
      main.setAttribute("aria-busy", "true");
      if (isNew) {
        // On a narrow screen the navigation is wider than the window.
        list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
        content.replaceChildren(element("p", { class: "loading" }, "Reading…"));
        scrollTo(0, 0);
      }
      if (isNew && !isFirst) heading.focus({ preventScroll: true });
      status.replaceChildren();
    },
    fill(nodes) {
      content.replaceChildren(...nodes);
      main.removeAttribute("aria-busy");
    },
    setBar(node) {
      bar.replaceChildren(...(node === undefined ? [] : [node]));
    },
    tellWaiting(count) {
      waiting.textContent = count === 0 ? "" : String(count);
      waitingTold.textContent = count === 0 ? "" : "waiting";
    },
    say(text) {
      status.replaceChildren(...(text === "" ? [] : [element("span", {}, text)]));
    },
  };
}

function entryOf(place: Place, entry: Screen, current: Screen, beside: readonly Node[]): HTMLElement {
  const made = link(entry.title, place.at({ screen: entry.name }));
  for (const node of beside) made.append(" ", node);
  if (entry === current) made.setAttribute("aria-current", "page");
  return element("li", {}, made);
}

function switcherOf(place: Place): Node[] {
  const names = namesOf(place.tenants, place.tenant);
  const select = element(
    "select",
    { id: "tenant" },
    ...names.map((name) => element("option", { value: name, selected: name === place.tenant }, name)),
  );
  select.addEventListener("change", () => place.go({ tenant: select.value }));
  return [element("label", { for: "tenant" }, "Tenant"), select];
}

function namesOf(tenants: readonly Tenant[], current: string): readonly string[] {
  const names = tenants.map(({ name }) => name);
  if (names.length > 1) names.push(SYSTEM_TENANT);
  return names.includes(current) ? names : [current, ...names];
}
