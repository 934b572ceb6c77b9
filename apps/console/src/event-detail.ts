// One event in full, field by field, and its place in the chain: fetched on demand, and hashed in this browser, not only quoted.
import type { AuditEvent } from "@postern/contracts";
import { findPlace, hashOf } from "./chain-place.ts";
import { openDialog } from "./dialog.ts";
import { type Child, element } from "./element.ts";
import { count, instant, milliseconds } from "./format.ts";
import {
  actions,
  badge,
  button,
  code,
  type Fact,
  facts,
  faint,
  note,
  nothing,
  panel,
  source,
} from "./parts.ts";
import type { Place } from "./screen.ts";
import { showTrouble } from "./trouble.ts";

export function openEvent(place: Place, event: AuditEvent): void {
  const chain = element("div", { class: "outcome" });
  const locate = async () => {
    chain.replaceChildren(faint("Reading…"));
    try {
      chain.replaceChildren(await chainPlace(place, event));
    } catch (caught) {
      chain.replaceChildren(showTrouble(caught));
    }
  };
  openDialog(
    "Event",
    element("div", { class: "columns" }, ...sections(event)),
    panel(
      "Place in the chain",
      note(
        "Exports the millisecond of this event and recomputes its hash here. The export is recorded in the log.",
      ),
      actions(button("Find and check the hash", () => void locate(), "main")),
      chain,
    ),
    panel("The whole event", source(JSON.stringify(event, undefined, 2), "The event as JSON")),
  );
}

function sections(event: AuditEvent): HTMLElement[] {
  const groups: readonly (readonly [string, readonly Fact[]])[] = [
    [
      "Decision",
      [
        ["Decision", badge(event.decision)],
        ["Check", told(event.check)],
        ["Reason codes", event.reasons.length === 0 ? nothing() : list(event.reasons)],
        ["Reason", told(event.reason)],
        ["Outcome", badge(event.outcome)],
        ["Decided by", told(event.decided_by)],
        ["Pending", code(event.pending_id)],
        ["Degraded", event.degraded ? "yes" : "no"],
      ],
    ],
    [
      "Call",
      [
        ["Time", `${instant(event.ts)} UTC`],
        ["Event", told(event.event)],
        ["Tool", told(event.tool)],
        ["Method", told(event.method)],
        ["Upstream", told(event.upstream)],
        ["Argument keys", event.arg_keys.length === 0 ? faint("none") : list(event.arg_keys)],
        ["Arguments digest", code(event.args_digest)],
        ["Latency", milliseconds(event.latency_ms)],
        ["Upstream status", event.upstream_status === 0 ? nothing() : String(event.upstream_status)],
        ["Cost", `${count(event.cost_micros)} micros`],
      ],
    ],
    [
      "Who",
      [
        ["Tenant", event.tenant],
        ["Agent", told(event.agent_id)],
        ["Actor", told(event.actor)],
        ["Session", code(event.session_id)],
        ["Address", told(event.remote_ip)],
        ["Intent", told(event.intent_summary)],
        ["Token id", code(event.capability_token_id)],
        ["Root token id", code(event.root_capability_token_id)],
        ["Caveats", count(event.caveat_count)],
        ["Step-up required", event.requires_step_up ? "yes" : "no"],
      ],
    ],
    [
      "Where it was decided",
      [
        ["Event id", code(event.event_id)],
        ["Request id", code(event.request_id)],
        ["Policy rule", told(event.policy_rule)],
        ["Policy revision", event.policy_revision === 0 ? nothing() : count(event.policy_revision)],
        ["Policy SHA-256", code(event.policy_sha256)],
        ["Sidecar", code(event.sidecar_id)],
        ["Epoch, sequence", `${event.sidecar_epoch}, ${event.sidecar_sequence}`],
      ],
    ],
  ];
  return groups.map(([title, rows]) => panel(title, facts(rows)));
}

async function chainPlace(place: Place, event: AuditEvent): Promise<HTMLElement> {
  const atMs = Date.parse(event.ts);
  const response = await place.api.exported({
    format: "ndjson",
    tenant: event.tenant,
    since: new Date(atMs).toISOString(),
    until: new Date(atMs + 1).toISOString(),
  });
  const found = findPlace(await response.text(), event.event_id);
  if (found === undefined) return faint("The event is not in the export of its millisecond.");
  const rows: Fact[] = [
    ["Index", count(found.index)],
    ["Hash", code(found.hash)],
    ["Previous hash", code(found.prevHash)],
  ];
  return element("div", {}, facts(rows), await hashVerdict(found));
}

async function hashVerdict(found: NonNullable<ReturnType<typeof findPlace>>): Promise<HTMLElement> {
  // Browsers hash on secure addresses only.
  if (!isSecureContext) {
    return note(
      "Not checked here: browsers can hash only on https or localhost. Use `postern audit verify`.",
    );
  }
  const computed = await hashOf(found, crypto.subtle);
  return computed === found.hash
    ? element(
        "p",
        { class: "verdict good" },
        "This browser computed the same hash from event and previous hash.",
      )
    : element("p", { class: "verdict bad" }, `This browser computed ${computed}: the entry was changed.`);
}

function told(text: string): Child {
  return text === "" ? nothing() : text;
}

function list(names: readonly string[]): HTMLElement {
  return element("span", { class: "codes" }, ...names.map((name) => element("code", {}, name)));
}
