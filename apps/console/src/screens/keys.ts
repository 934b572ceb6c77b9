// The tenant's public keys, and their rotation step by step: prepare, publish, activate, retire. Secret halves never leave the control plane.
import { confirmed, openDialog } from "../dialog.ts";
import { type Child, element } from "../element.ts";
import { choiceField, form, problem, textField } from "../form.ts";
import { fieldOfInstant, instant, instantOfField } from "../format.ts";
import { offered, offeredSilently } from "../gate.ts";
import { badge, button, code, digest, note, nothing, panel } from "../parts.ts";
import type { Key } from "../replies.ts";
import type { Place, Screen } from "../screen.ts";
import { table } from "../table.ts";
import { showTrouble } from "../trouble.ts";

const USES = ["capability", "bundle", "state", "log", "root"] as const;
const WEEK_MS = 604_800_000;

export const keysScreen: Screen = { name: "keys", title: "Keys", show };

async function show(place: Place): Promise<readonly Child[]> {
  const outcome = element("div", { class: "outcome" });
  const keys = await place.api.keys(place.tenant);
  const listed = table({
    caption: "Signing keys",
    rows: keys,
    columns: [
      { title: "Use", kind: "short", cell: ({ use }) => use },
      { title: "Status", kind: "short", cell: ({ status }) => badge(status) },
      { title: "Key id", kind: "short", cell: ({ kid }) => digest(kid, 16) },
      { title: "Public key", cell: ({ public_key, vkey }) => code(vkey ?? public_key) },
      { title: "Made (UTC)", kind: "short", cell: ({ created_at }) => instant(created_at) },
      {
        title: "Trusted until",
        cell: ({ not_after }) => (not_after === undefined ? nothing() : instant(not_after)),
      },
      {
        title: "Next step",
        kind: "actions",
        cell: (key) => offeredSilently(place, "superadmin", () => nextStep(place, key, outcome)),
      },
    ],
    empty: "There are no keys yet: they are made when they are first needed.",
  });
  return [
    panel("Keys", listed, outcome),
    panel(
      "Prepare a further key",
      note("Rotation goes prepare, publish, activate, retire."),
      offered(place, "superadmin", () => prepareForm(place)),
    ),
  ];
}

function prepareForm(place: Place): HTMLElement {
  const use = choiceField(
    { label: "Use" },
    USES.map((name) => [name, name] as const),
  );
  return form({
    label: "Prepare a key",
    fields: [use.node],
    send: "Prepare",
    async onSend() {
      await place.api.prepareKey(place.tenant, use.control.value);
      place.again();
      place.say("Prepared");
      return undefined;
    },
  });
}

const STEPS = {
  prepared: {
    step: "publish",
    label: "Publish",
    consequence: "Verifiers are told of the key. It signs nothing yet.",
  },
  published: {
    step: "activate",
    label: "Activate",
    consequence: "The key signs from now on. The one before it stays trusted until it is retired.",
  },
} as const;

function nextStep(place: Place, key: Key, outcome: HTMLElement): Child {
  if (key.status === "retired") return nothing();
  if (key.status === "active") return button("Retire", () => retire(place, key), "text");
  const { step, label, consequence } = STEPS[key.status];
  const act = async () => {
    if (!(await confirmed(`${label} this key?`, { consequence, yes: label, kind: "main" }))) return;
    try {
      await place.api.stepKey(place.tenant, key.kid, step);
      place.again();
      place.say(`${label}: done`);
    } catch (caught) {
      outcome.replaceChildren(showTrouble(caught));
    }
  };
  return button(label, () => void act(), "text");
}

function retire(place: Place, key: Key): void {
  const inAWeek = new Date(place.nowMs() + WEEK_MS).toISOString();
  const until = textField({
    label: "Trusted until (UTC)",
    type: "datetime-local",
    step: "1",
    value: fieldOfInstant(inAWeek),
    hint: "What the key has signed is accepted until then.",
  });
  openDialog(
    "Retire this key?",
    form({
      label: "Retire the key",
      fields: [element("p", {}, `${key.use} `, code(key.kid)), until.node],
      send: "Retire",
      kind: "danger",
      async onSend() {
        const notAfter = instantOfField(until.control.value);
        if (notAfter === undefined) return problem("Name an instant.");
        await place.api.retireKey(place.tenant, key.kid, notAfter);
        place.again();
        place.say("Retired");
        return undefined;
      },
    }),
  );
}
