// Whether the log is whole, by the control plane's word and by means that do without it: checkpoint, verifier key and export.
import { save } from "../download.ts";
import { type Child, element } from "../element.ts";
import { form } from "../form.ts";
import { count, counted, instant, milliseconds } from "../format.ts";
import { actions, button, code, facts, note, panel, source } from "../parts.ts";
import type { Key, Verification } from "../replies.ts";
import type { Place, Screen } from "../screen.ts";
import { showTrouble } from "../trouble.ts";

export const verifyScreen: Screen = { name: "verify", title: "Verify", show };

async function show(place: Place): Promise<readonly Child[]> {
  const { api, tenant } = place;
  const [note_, keys] = await Promise.all([
    api.checkpoint(tenant).catch((caught: unknown) => showTrouble(caught)),
    api.keys(tenant),
  ]);
  return [
    panel(
      "The whole chain",
      note(
        "Recomputes every hash, every link and the tree, and compares them with the head and the last checkpoint.",
      ),
      form({
        label: "Verify the chain",
        fields: [],
        send: "Verify now",
        onSend: async () => verdict(await api.verify(tenant)),
      }),
    ),
    panel(
      "Latest checkpoint",
      note(
        "A C2SP signed note: this tree, of this size, was signed. Keep one outside, and no past can be rewritten unseen.",
      ),
      typeof note_ === "string" ? source(note_, "Latest checkpoint") : note_,
    ),
    panel("Verify it yourself", ...offline(place, keys)),
  ];
}

function verdict(found: Verification): HTMLElement {
  const checked = `${counted(found.events_checked, "event")} in ${milliseconds(found.duration_ms)}`;
  const head = facts([
    ["Events that are right", count(found.events_checked)],
    ["Head", code(found.chain_head_id)],
    ["Head at", `${instant(found.chain_head_at)} UTC`],
  ]);
  if (found.verified) {
    return element(
      "div",
      { role: "status" },
      element("p", { class: "verdict good" }, `Whole: ${checked}.`),
      head,
    );
  }
  return element(
    "div",
    { role: "alert" },
    element("p", { class: "verdict bad" }, `Broken after ${checked}.`),
    facts([["First broken event", code(found.first_broken_event_id)]]),
    head,
    element(
      "p",
      {},
      "Keep an export and the database as they are, and compare both with a checkpoint that was kept outside.",
    ),
  );
}

const FORMATS = [
  ["ndjson", "NDJSON, verifiable"],
  ["csv", "CSV"],
  ["json", "JSON"],
] as const;

function offline(place: Place, keys: readonly Key[]): readonly Child[] {
  const { api, tenant } = place;
  const vkey = keys.find(({ use, status }) => use === "log" && status === "active")?.vkey;
  const outcome = element("div", { class: "outcome" });
  const download = async (format: string) => {
    outcome.replaceChildren();
    place.say("Exporting…");
    try {
      await save(await api.exported({ format, tenant }), `postern-audit-${tenant}.${format}`);
      place.say("Exported");
    } catch (caught) {
      place.say("");
      outcome.append(showTrouble(caught));
    }
  };
  return [
    note(
      "Take the export to another machine and check it there with the log's verifier key. The export is recorded in the log.",
    ),
    actions(
      ...FORMATS.map(([format, label]) =>
        button(`Export ${label}`, () => void download(format), format === "ndjson" ? "main" : "quiet"),
      ),
    ),
    outcome,
    element("h3", {}, "Verifier key"),
    vkey === undefined
      ? note("There is no active log key yet: the first checkpoint makes one.")
      : source(vkey, "Verifier key"),
    vkey === undefined ? undefined : element("h3", {}, "Command"),
    vkey === undefined
      ? undefined
      : source(`postern audit verify export.ndjson --key '${vkey}'`, "Command that verifies an export"),
    note("The page holds the export in memory: for a very large log use ", code("postern audit export"), "."),
  ];
}
