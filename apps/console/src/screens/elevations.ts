// Roles that are lent: asked for with a reason, decided on by somebody else, used call by call, and ended.
import { type Elevation, ROLES } from "../admin-people.ts";
import { type Acts, createActs } from "../attempt.ts";
import { type Child, element } from "../element.ts";
import { choiceField, form, problem, textField } from "../form.ts";
import { instant } from "../format.ts";
import { actions, badge, button, nothing } from "../parts.ts";
import { whole } from "../rollout-plan.ts";
import type { Place } from "../screen.ts";
import { table } from "../table.ts";

const MINUTES_MAX = 480;

export function elevationTable(place: Place, elevations: readonly Elevation[]): HTMLElement {
  const acts = createActs(place);
  const listed = table({
    caption: "Elevations, the latest first",
    rows: elevations,
    columns: [
      { title: "State", kind: "short", cell: ({ status }) => badge(status) },
      { title: "Who", cell: ({ requester }) => requester },
      { title: "Role", kind: "short", cell: ({ role }) => role },
      { title: "Reason", cell: ({ reason }) => reason },
      { title: "For", kind: "short", cell: ({ ttl_seconds }) => `${Math.round(ttl_seconds / 60)} min` },
      { title: "Until (UTC)", kind: "short", cell: ({ expires_at }) => instant(expires_at) },
      { title: "Decided", cell: (elevation) => decidedOf(elevation) },
      { title: "Acts", kind: "actions", cell: (elevation) => offers(place, acts, elevation) },
    ],
    empty: "Nobody has asked for one.",
  });
  return element("div", {}, listed, acts.outcome);
}

function decidedOf({ decided_by, decision_reason = "", ended_by }: Elevation): Child {
  const words = [
    decided_by === undefined ? "" : `by ${decided_by}`,
    decision_reason,
    ended_by === undefined ? "" : `ended by ${ended_by}`,
  ].filter((word) => word !== "");
  return words.length === 0 ? nothing() : words.join("; ");
}

function offers(place: Place, acts: Acts, elevation: Elevation): Child {
  const { status, requester, role } = elevation;
  const isOwn = requester === place.me.name;
  const isUsed = place.elevation?.id === elevation.id;
  const isOpen = status === "pending" || status === "active";
  const decide = (label: string, decision: "approve" | "reject") =>
    acts.button({
      label,
      kind: "text",
      question: `${label} ${role} for ${requester}?`,
      consequence:
        decision === "approve"
          ? "They may act with this role until the time is over; everything is told under it."
          : "They are told no.",
      act: async () => {
        await place.api.decideElevation(elevation, { decision });
        return `${label}: done`;
      },
    });
  const made = [
    ...(status === "active" && isOwn && !isUsed
      ? [button("Act under it", () => place.actUnder(elevation), "text")]
      : []),
    ...(status === "pending" && !isOwn && place.may("administer")
      ? [decide("Approve", "approve"), decide("Reject", "reject")]
      : []),
    ...(isOpen && (isOwn || place.may("administer")) ? [ending(place, acts, elevation, isUsed)] : []),
  ];
  return made.length === 0 ? nothing() : actions(...made);
}

function ending(place: Place, acts: Acts, elevation: Elevation, isUsed: boolean): HTMLElement {
  return acts.button({
    label: elevation.status === "pending" ? "Take back" : "End",
    kind: "text",
    act: async () => {
      await place.api.endElevation(elevation);
      if (isUsed) place.actUnder(undefined);
      return "Ended";
    },
  });
}

export function requestForm(place: Place): HTMLElement {
  const role = choiceField(
    { label: "Role" },
    ROLES.filter((name) => name !== "viewer").map((name) => [name, name] as const),
  );
  const minutes = textField({
    label: "Minutes",
    inputmode: "numeric",
    value: "60",
    hint: "From the decision on.",
  });
  const reason = textField({ label: "Reason", maxlength: "1024", hint: "Somebody else decides by it." });
  return form({
    label: "Ask for a role",
    fields: [role.node, minutes.node, reason.node],
    send: "Ask",
    async onSend() {
      const count = whole(minutes.control.value, 1, MINUTES_MAX);
      if (count === undefined) return problem(`Minutes: a whole number from 1 to ${MINUTES_MAX}.`);
      const why = reason.control.value.trim();
      if (why === "") return problem("Say why you need it.");
      await place.api.requestElevation({
        tenant: place.tenant,
        role: role.control.value,
        reason: why,
        ttl_seconds: count * 60,
      });
      place.again();
      place.say("Asked: an administrator decides");
      return undefined;
    },
  });
}
