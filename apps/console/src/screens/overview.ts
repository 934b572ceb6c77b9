// The last hour at a glance: what was decided, what refused it, who met refusals, and whether a policy is in force at all. Every reading of
// the log is an event of the log, so nothing is read again by itself.
import type { AuditEvent } from "@postern/contracts";
import { bars, timeline } from "../bars.ts";
import type { Child } from "../element.ts";
import { element } from "../element.ts";
import { count, counted, instant } from "../format.ts";
import { actions, badge, button, digest, facts, faint, link, note, panel } from "../parts.ts";
import type { ActivePolicy } from "../replies.ts";
import type { Place, Screen } from "../screen.ts";
import { type Summary, summarise, type Tally } from "../summary.ts";

const HOUR_MS = 3_600_000;
const BUCKET_MS = 300_000;
const PAGE = 1000;
const PAGES_MAX = 5;
const ROWS_MAX = 8;

export const overviewScreen: Screen = { name: "overview", title: "Overview", show };

async function show(place: Place): Promise<readonly Child[]> {
  const toMs = place.nowMs();
  // Buckets begin on the clock's five minutes, so the hour may be up to five minutes longer.
  const fromMs = Math.floor((toMs - HOUR_MS) / BUCKET_MS) * BUCKET_MS;
  const since = new Date(fromMs).toISOString();
  const [{ events, isWhole }, policy] = await Promise.all([
    readEvents(place, since),
    place.api.activePolicy(place.tenant),
  ]);
  const summary = summarise(events, { fromMs, toMs, bucketMs: BUCKET_MS });
  return [
    policyLine(place, policy),
    element(
      "p",
      { class: "lead" },
      `${counted(summary.calls, "tool call")} since ${instant(since)} UTC`,
      isWhole ? "." : `, among the latest ${count(events.length)} events: there were more than that.`,
    ),
    decisionsPanel(place, summary, since),
    element(
      "div",
      { class: "cards" },
      tallyPanel("Refused by check", summary.checks),
      tallyPanel("Reasons", summary.reasons),
      tallyPanel("Tools refused", summary.tools, (name) =>
        link(name, place.at({ screen: "events", query: { tool: name, since } })),
      ),
      tallyPanel("Agents refused", summary.agents, (name) =>
        name === ""
          ? faint("unknown")
          : link(name, place.at({ screen: "events", query: { subject: name, since } })),
      ),
      tallyPanel("Administrative acts", summary.acts, (name) =>
        link(name, place.at({ screen: "events", query: { tool: name, since } })),
      ),
    ),
    actions(button("Read again", place.again)),
    note("Reading the log is itself an event of the log, so this page is not refreshed by itself."),
  ];
}

async function readEvents(place: Place, since: string): Promise<{ events: AuditEvent[]; isWhole: boolean }> {
  const events: AuditEvent[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const read = await place.api.events({ tenant: place.tenant, since, limit: PAGE, cursor });
    events.push(...read.items);
    cursor = read.next_cursor;
    if (cursor === undefined) return { events, isWhole: true };
  }
  return { events, isWhole: false };
}

function policyLine(place: Place, policy: ActivePolicy | undefined): HTMLElement {
  if (policy === undefined) {
    return element(
      "div",
      { class: "banner" },
      element("strong", {}, "No policy is in force: "),
      "every call of this tenant is denied. ",
      link("Promote a policy", place.at({ screen: "policies" })),
    );
  }
  return facts([
    ["Policy in force", link(policy.name, place.at({ screen: "policies" }))],
    ["Revision", count(policy.revision)],
    ["Since", `${instant(policy.promoted_at)} UTC`],
    ["Rego SHA-256", digest(policy.rego_sha256)],
  ]);
}

function decisionsPanel(place: Place, { decisions, calls, buckets }: Summary, since: string): HTMLElement {
  const label = (decision: string) =>
    link(badge(decision), place.at({ screen: "events", query: { decision, since } }));
  return panel(
    "Decisions",
    element(
      "div",
      { class: "split" },
      bars({
        caption: "Tool calls of the last hour by decision",
        rows: decisions,
        whole: calls,
        label,
        tone: (name) => name,
      }),
      timeline(buckets),
    ),
  );
}

function tallyPanel(title: string, rows: readonly Tally[], label?: (name: string) => Child): HTMLElement {
  const whole = rows.reduce((sum, row) => sum + row.count, 0);
  const shown = rows.slice(0, ROWS_MAX);
  const more = rows.length - shown.length;
  return panel(
    title,
    rows.length === 0
      ? faint("none")
      : bars({ caption: title, rows: shown, whole, ...(label === undefined ? {} : { label }) }),
    more > 0 ? faint(`and ${count(more)} more`) : undefined,
  );
}
