// Trying what is typed on calls of the past, before it decides anything.
import { dryRunReport } from "../dry-run-report.ts";
import { type Child, element } from "../element.ts";
import { form, problem, textField } from "../form.ts";
import { note } from "../parts.ts";
import type { Place } from "../screen.ts";

/** `regoSource` is what stands in the editor at this moment. */
export function dryRunForm(place: Place, regoSource: () => string): HTMLElement {
  const sample = textField({
    label: "Sample",
    value: "last:500",
    maxlength: "1024",
    hint: "Calls of the past: last:500, 90m, 24h, 7d, tool:<name>, agent:<id>, joined by commas; or an event's id.",
  });
  return element(
    "div",
    {},
    note("Judges calls of the log by what is typed now. Nothing changes, and nothing needs to be saved."),
    form({
      label: "Dry run",
      fields: [sample.node],
      send: "Run",
      async onSend(): Promise<Child> {
        const asked = sample.control.value.trim();
        if (asked === "") return problem("Name a sample, such as last:500.");
        const run = await place.api.dryRun({
          tenant: place.tenant,
          rego_source: regoSource(),
          sample: asked,
        });
        place.say("Judged");
        return dryRunReport(place, run);
      },
    }),
  );
}
