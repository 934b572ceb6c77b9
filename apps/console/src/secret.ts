// A secret that is shown once: with what it is for, a way to copy it, and the warning that nobody can show it again.
import { element } from "./element.ts";
import { actions, button, type Fact, facts } from "./parts.ts";

export function shownOnce(options: {
  title: string;
  secretLabel: string;
  secret: string;
  about: readonly Fact[];
  say: (text: string) => void;
}): HTMLElement {
  const { title, secretLabel, secret, about, say } = options;
  const shown = element("pre", { class: "secret", tabindex: "0", "aria-label": secretLabel }, secret);
  // Where the page may not write to the clipboard, the reader still can.
  const select = () => getSelection()?.selectAllChildren(shown);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(secret);
      say(`${secretLabel} copied`);
    } catch {
      select();
      say(`${secretLabel} selected: copy it with the keyboard`);
    }
  };
  return element(
    "section",
    { class: "once", "aria-label": title },
    element("h3", {}, title),
    element("p", {}, "Copy it now: it is shown this once and stored nowhere."),
    shown,
    actions(button(`Copy ${secretLabel.toLowerCase()}`, () => void copy(), "main")),
    facts(about),
  );
}
