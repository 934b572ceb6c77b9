// Where a tenant asks for two people, one alone neither takes that back nor makes the second one. Whoever acts under an elevation to admin has
// shown that somebody else agrees.
import { Fault } from "@postern/fault";
import type { Unit } from "../unit.ts";

/** The rules that ask for a second person. */
interface Rules {
  readonly approvals: { readonly four_eyes: boolean; readonly approvers_required: number };
  readonly policies: { readonly two_person: boolean };
}

/** @throws Fault forbidden "settings.second_person", when this change asks fewer people than were asked before, and one alone wants it. */
export function requireSecondToLoosen(
  { actor }: Unit,
  { before, after }: { readonly before: Rules; readonly after: Rules },
): void {
  const isLooser =
    (before.policies.two_person && !after.policies.two_person) ||
    (before.approvals.four_eyes && !after.approvals.four_eyes) ||
    before.approvals.approvers_required > after.approvals.approvers_required;
  if (isLooser && actor.isSeconded !== true) throw alone("to ask fewer people than before");
}

/** @throws Fault forbidden "settings.second_person", when the tenant asks for two people, and one alone would make another. */
export function requireSecondToEmpower({ actor }: Unit, { approvals, policies }: Rules): void {
  const isAsked = policies.two_person || approvals.four_eyes || approvals.approvers_required > 1;
  if (isAsked && actor.isSeconded !== true) throw alone("to give anybody roles, an identity or a token");
}

const alone = (wish: string) =>
  new Fault(
    "forbidden",
    "settings.second_person",
    `This tenant asks for two people, so it takes a second one ${wish}: ask for an elevation to admin, and name it.`,
  );
