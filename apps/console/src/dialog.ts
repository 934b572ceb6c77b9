// Modal dialogs: the browser's own, which hold the focus, close on Escape and give the focus back.
import { type Child, element } from "./element.ts";
import { actions, type ButtonKind, button } from "./parts.ts";

/** Shows a dialog until it is closed. */
export function openDialog(title: string, ...children: readonly Child[]): HTMLDialogElement {
  const dialog = element("dialog", { "aria-label": title });
  const close = button("Close", () => dialog.close(), "text");
  dialog.append(
    element("header", {}, element("h2", {}, title), close),
    element("div", { class: "inside" }, ...children),
  );
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
  return dialog;
}

/** Whether the reader says yes. Escape is no. */
export function confirmed(
  question: string,
  options: { consequence: string; yes: string; kind?: ButtonKind },
): Promise<boolean> {
  const { consequence, yes, kind = "danger" } = options;
  return new Promise((resolve) => {
    let isYes = false;
    const agree = () => {
      isYes = true;
      dialog.close();
    };
    const refuse = button("Cancel", () => dialog.close());
    const dialog = openDialog(
      question,
      element("p", {}, consequence),
      actions(button(yes, agree, kind), refuse),
    );
    dialog.classList.add("small");
    refuse.focus();
    dialog.addEventListener("close", () => resolve(isYes));
  });
}

/** Closes what is open: dialogs lie outside of the page's main part. */
export function closeDialogs(): void {
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
}
