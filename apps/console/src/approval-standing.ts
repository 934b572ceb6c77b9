// What a parked call's state means in words, and whether the reader may decide on it as far as the page can know. The control plane decides
// in any case: who issued a call's token, for four eyes, is known to it alone.
import type { Approval } from "./admin-approvals.ts";
import type { Me } from "./admin-people.ts";
import type { Settings } from "./admin-setup.ts";
import { instant } from "./format.ts";

/** A sentence about what became of it. */
export function standing(approval: Approval): string {
  const { status, decided_by, decided_at, decision_reason, used_at, expires_at } = approval;
  const why = decision_reason === "" ? "" : ` They said: ${decision_reason}`;
  const by = `by ${decided_by} at ${instant(decided_at)} UTC`;
  switch (status) {
    case "pending":
      return `It waits for a person until ${instant(expires_at)} UTC.`;
    case "approved":
      return `It was approved ${by}, and may run once until ${instant(expires_at)} UTC.${why}`;
    case "used":
      return `It was approved ${by}, and the approval was used at ${instant(used_at)} UTC.${why}`;
    case "rejected":
      return `It was rejected ${by}.${why}`;
    case "expired":
      return decided_by === ""
        ? `Nobody decided in time: it expired at ${instant(expires_at)} UTC.`
        : `It was approved ${by}, and nobody used that in time: it expired at ${instant(expires_at)} UTC.`;
  }
}

/** Why the reader cannot say yes or no to a call that waits; undefined when nothing that the page knows speaks against it. */
export function whyNot(
  approval: Pick<Approval, "decisions" | "approvals_required" | "tenant">,
  me: Pick<Me, "name" | "permissions">,
  rules: Settings["approvals"] | undefined,
): string | undefined {
  if (!me.permissions.includes("approve")) return "Your roles do not let you decide: this needs an approver.";
  if (rules?.role === "admin" && !me.permissions.includes("administer"))
    return `In ${approval.tenant} an administrator decides on calls, and you are none.`;
  const mine = approval.decisions.find(({ by }) => by === me.name);
  if (mine === undefined) return undefined;
  return `You said yes already, at ${instant(mine.at)} UTC: ${approval.approvals_required} different people must.`;
}

/** The tenant's rules about decisions, in a sentence; "" when there is nothing to know. */
export function rulesTold({ four_eyes, approvers_required, role }: Settings["approvals"]): string {
  const rules = [
    approvers_required > 1 ? `${approvers_required} different people must say yes` : "",
    role === "admin" ? "only administrators decide" : "",
    four_eyes ? "whoever issued a call's token may not decide on it" : "",
  ].filter((rule) => rule !== "");
  return rules.length === 0 ? "" : `Rules of this tenant: ${rules.join("; ")}.`;
}
