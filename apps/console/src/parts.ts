// Small pieces that every screen is made of: headings, panels, lists of facts, badges, buttons and links.
import { type Child, element } from "./element.ts";
import { shortened } from "./format.ts";

export function panel(title: string, ...children: readonly Child[]): HTMLElement {
  return element("section", { class: "panel" }, element("h2", {}, title), ...children);
}

export function note(...children: readonly Child[]): HTMLElement {
  return element("p", { class: "note" }, ...children);
}

export function code(text: string): HTMLElement {
  return text === "" ? nothing() : element("code", {}, text);
}

/** A digest or an id in its first digits, for tables; the whole is shown by a pointer that rests on it. */
export function digest(text: string, characters = 12): HTMLElement {
  if (text === "") return nothing();
  return element("code", { title: text }, shortened(text, characters));
}

export function faint(text: string): HTMLElement {
  return element("span", { class: "faint" }, text);
}

/** Stands where there is nothing to show. */
export function nothing(): HTMLElement {
  return element("span", { class: "faint nothing" }, "–");
}

const TONES: Readonly<Record<string, string>> = {
  allow: "good",
  block: "bad",
  escalate: "warn",
  executed: "good",
  failed: "bad",
  unknown: "warn",
  active: "good",
  published: "warn",
  promoted: "good",
  pending: "warn",
  proposed: "warn",
  approved: "good",
  used: "good",
  rejected: "bad",
  on: "bad",
  quarantined: "warn",
  blocked: "bad",
  pinned: "good",
  running: "warn",
  completed: "good",
  delivered: "good",
  enabled: "good",
  disabled: "warn",
  critical: "bad",
  warning: "warn",
};

/** A word with a mark in front of it; the tone is never told by colour alone. */
export function badge(word: string): HTMLElement {
  return element("span", { class: `badge ${TONES[word] ?? "plain"}` }, word);
}

export type Fact = readonly [name: string, value: Child];

export function facts(rows: readonly Fact[]): HTMLElement {
  return element(
    "dl",
    { class: "facts" },
    ...rows.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))),
  );
}

export type ButtonKind = "main" | "quiet" | "danger" | "text";

export function button(label: string, action: () => void, kind: ButtonKind = "quiet"): HTMLButtonElement {
  const made = element("button", { type: "button", class: kind }, label);
  made.addEventListener("click", action);
  return made;
}

export function link(label: Child, href: string, attributes: { class?: string } = {}): HTMLAnchorElement {
  return element("a", { ...attributes, href }, label);
}

export function actions(...children: readonly Child[]): HTMLElement {
  return element("div", { class: "actions" }, ...children);
}

/** Text of several lines, shown as it is. It can be focused so that the keyboard can scroll it. */
export function source(text: string, label: string): HTMLElement {
  return element("pre", { class: "source", tabindex: "0", "aria-label": label }, text);
}
