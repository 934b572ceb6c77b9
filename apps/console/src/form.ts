// Forms: every control has a label, a form is sent by script only, and what goes wrong is told inside the form without losing what was
// typed.
import { type Attributes, type Child, element, nodesOf } from "./element.ts";
import { actions, type ButtonKind } from "./parts.ts";
import { showTrouble, words } from "./trouble.ts";

export interface Field<Control extends HTMLElement = HTMLElement> {
  readonly control: Control;
  readonly node: HTMLElement;
}

type Labelled = Attributes & { readonly label: string; readonly hint?: string };

let made = 0;

export function textField(labelled: Labelled): Field<HTMLInputElement> {
  return fieldOf(labelled, (attributes) =>
    element("input", { type: "text", autocomplete: "off", spellcheck: "false", ...attributes }),
  );
}

export function areaField(labelled: Labelled, value = ""): Field<HTMLTextAreaElement> {
  const field = fieldOf(labelled, (attributes) =>
    element("textarea", { autocomplete: "off", spellcheck: "false", ...attributes }),
  );
  field.control.value = value;
  return field;
}

export function choiceField(
  labelled: Labelled,
  choices: readonly (readonly [value: string, text: string])[],
  chosen = "",
): Field<HTMLSelectElement> {
  return fieldOf(labelled, (attributes) =>
    element(
      "select",
      attributes,
      ...choices.map(([value, text]) => element("option", { value, selected: value === chosen }, text)),
    ),
  );
}

export function checkField(labelled: Labelled): Field<HTMLInputElement> {
  const { label, hint, ...attributes } = labelled;
  const id = nextId();
  const control = element("input", {
    type: "checkbox",
    id,
    "aria-describedby": hint && `${id}-hint`,
    ...attributes,
  });
  const node = element(
    "div",
    { class: "field check" },
    control,
    element("label", { for: id }, label),
    hintOf(id, hint),
  );
  return { control, node };
}

export interface FormSpec {
  readonly label: string;
  readonly fields: readonly Child[];
  readonly send: string;
  readonly kind?: ButtonKind;
  readonly beside?: readonly Child[];
  readonly class?: string;
  /** What sending does. What it throws is shown, and what it returns takes the place of an earlier outcome. */
  readonly onSend: () => Promise<Child> | Child;
}

export function form({
  label,
  fields,
  send,
  kind = "main",
  beside = [],
  onSend,
  ...rest
}: FormSpec): HTMLFormElement {
  const outcome = element("div", { class: "outcome" });
  const sender = element("button", { type: "submit", class: kind }, send);
  const whole = element(
    "form",
    { "aria-label": label, class: rest.class, novalidate: true },
    ...fields,
    actions(sender, ...beside),
    outcome,
  );
  const run = async () => {
    // A second press while the first is under way must not act twice.
    if (sender.disabled) return;
    sender.disabled = true;
    whole.setAttribute("aria-busy", "true");
    try {
      outcome.replaceChildren(...nodesOf([await onSend()]));
    } catch (caught) {
      outcome.replaceChildren(showTrouble(caught));
    }
    sender.disabled = false;
    whole.removeAttribute("aria-busy");
  };
  whole.addEventListener("submit", (event) => {
    event.preventDefault();
    void run();
  });
  return whole;
}

/** What must be changed before a form can be sent. */
export function problem(text: string): HTMLElement {
  return element("div", { class: "trouble", role: "alert" }, words(text));
}

function fieldOf<Control extends HTMLElement>(
  { label, hint, ...attributes }: Labelled,
  make: (attributes: Attributes) => Control,
): Field<Control> {
  const id = nextId();
  const control = make({ id, "aria-describedby": hint && `${id}-hint`, ...attributes });
  const node = element(
    "div",
    { class: "field" },
    element("label", { for: id }, label),
    control,
    hintOf(id, hint),
  );
  return { control, node };
}

function hintOf(id: string, hint: string | undefined): HTMLElement | undefined {
  return hint === undefined ? undefined : element("p", { class: "hint", id: `${id}-hint` }, hint);
}

function nextId(): string {
  made += 1;
  return `field-${made}`;
}
