// One parked call with everything that a person needs to decide on it: what exactly would run, who asks for it, why somebody is asked, and
// how long there is. Everything in it was written by an agent or a model, so it is text, whole and with nothing hidden in it.
import type { Approval } from "./admin-approvals.ts";
import { standing } from "./approval-standing.ts";
import { type Child, element } from "./element.ts";
import { count, counted, instant, remaining } from "./format.ts";
import { badge, code, type Fact, facts, faint, nothing, source } from "./parts.ts";

/** `under` is put at the end: what can be done. */
export function approvalCard(approval: Approval, nowMs: number, under: readonly Child[]): HTMLElement {
  const { agent_id, status } = approval;
  return element(
    "article",
    { class: "panel call", "aria-label": `${approval.tool} for ${agent_id}` },
    element(
      "header",
      {},
      element("h2", {}, element("span", { class: "tool" }, approval.tool), ` for ${agent_id}`),
      badge(status),
      status === "pending" ? element("span", { class: "left" }, timeLeft(approval, nowMs)) : undefined,
    ),
    status === "pending" ? undefined : element("p", {}, standing(approval)),
    element(
      "div",
      { class: "columns" },
      element("div", {}, element("h3", {}, argumentsTold(approval)), argumentsOf(approval)),
      element("div", {}, element("h3", {}, "Why a person is asked"), facts(whyOf(approval))),
    ),
    decisionsOf(approval),
    element("details", {}, element("summary", {}, "Where it comes from"), facts(originOf(approval))),
    ...under,
  );
}

/** Tells a card's remaining time anew. */
export function tellTimeLeft(card: HTMLElement, approval: Approval, nowMs: number): void {
  const shown = card.querySelector(".left");
  if (shown !== null) shown.textContent = timeLeft(approval, nowMs);
}

/** With their length, so that nobody takes the part that is in sight for all of them. */
export function argumentsTold({ arguments: given }: Approval): string {
  return `Arguments, ${counted(JSON.stringify(given).length, "character")} in all`;
}

/** The arguments, all of them, as they would be sent. */
export function argumentsOf({ arguments: given, arguments_erased, tool }: Approval): HTMLElement {
  if (arguments_erased) return faint("They were erased, some time after the call was settled.");
  if (Object.keys(given).length === 0) return faint("The call has no arguments.");
  const shown = source(JSON.stringify(given, undefined, 2), `Arguments of ${tool}`);
  // A long line that runs out of sight would hide what stands at its end.
  shown.classList.add("wrapped");
  return shown;
}

function timeLeft({ expires_at }: Approval, nowMs: number): string {
  const left = remaining(Date.parse(expires_at) - nowMs);
  return left === "" ? "its time is over" : `${left} left`;
}

function whyOf(approval: Approval): Fact[] {
  const { approvals_given, approvals_required, intent_summary, created_at, expires_at } = approval;
  return [
    ["Reason", told(approval.reason)],
    ["Rule", code(approval.escalating_rule)],
    ["Stated intent", told(intent_summary)],
    ["Waits since", `${instant(created_at)} UTC`],
    ["Until", `${instant(expires_at)} UTC`],
    ["Said yes", `${approvals_given} of ${approvals_required}`],
    ["Token id", code(approval.capability_token_id)],
    ["Second factor", approval.requires_step_up ? "the policy asks for a fresh one" : "not asked for"],
  ];
}

function originOf(approval: Approval): Fact[] {
  return [
    ["Upstream", told(approval.upstream)],
    ["Method", told(approval.method)],
    ["Root token id", code(approval.root_capability_token_id)],
    ["Session", code(approval.session_id)],
    ["Request id", code(approval.request_id)],
    ["Address", told(approval.remote_ip)],
    ["Sidecar", code(approval.sidecar_id)],
    ["Policy revision", count(approval.policy_revision)],
    ["Policy SHA-256", code(approval.policy_sha256)],
    ["Digest of the call", code(approval.digest)],
    ["Id", code(approval.id)],
    ["Used by the event", code(approval.used_event_id)],
  ];
}

function decisionsOf({ decisions }: Approval): HTMLElement | undefined {
  if (decisions.length === 0) return undefined;
  return element(
    "ul",
    { class: "decisions", "aria-label": "What people said" },
    ...decisions.map(({ by, at, decision, reason }) =>
      element(
        "li",
        {},
        `${by} said ${decision === "approve" ? "yes" : "no"} at ${instant(at)} UTC`,
        reason === "" ? undefined : `: ${reason}`,
      ),
    ),
  );
}

function told(text: string): Child {
  return text === "" ? nothing() : text;
}
