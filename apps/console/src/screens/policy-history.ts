// Everything that was ever in force, and the way back to any of it.
import { type Activation, isProposed } from "../admin-policies.ts";
import { type Acts, createActs } from "../attempt.ts";
import { type Child, element } from "../element.ts";
import { count, instant } from "../format.ts";
import { badge, digest, link, nothing } from "../parts.ts";
import type { Page } from "../replies.ts";
import type { Place } from "../screen.ts";
import { pagedTable } from "../table.ts";

const PAGE = 20;

export async function policyHistory(place: Place): Promise<HTMLElement> {
  const query = { tenant: place.tenant, limit: PAGE };
  const first: Page<Activation> = await place.api.policyHistory(query);
  const latest = first.items[0]?.revision;
  const acts = createActs(place);
  const listed = pagedTable(
    place,
    {
      caption: "What was in force, newest first",
      label: "Older revisions",
      columns: [
        { title: "Revision", kind: "number", cell: ({ revision }) => count(revision) },
        { title: "Act", kind: "short", cell: ({ kind }) => badge(kind) },
        { title: "Policy", cell: (activation) => nameOf(place, activation) },
        { title: "Since (UTC)", kind: "short", cell: ({ activated_at }) => instant(activated_at) },
        { title: "By", cell: ({ activated_by }) => activated_by },
        { title: "Rego SHA-256", cell: ({ rego_sha256 }) => digest(rego_sha256) },
        { title: "Go back", kind: "actions", cell: (activation) => goBack(place, acts, activation, latest) },
      ],
      empty: "Nothing was ever in force.",
    },
    first,
    (cursor) => place.api.policyHistory({ ...query, cursor }),
  );
  return element("div", {}, listed, acts.outcome);
}

function nameOf(place: Place, { kind, name, draft_id }: Activation): Child {
  if (kind === "clear") return nothing();
  return draft_id === "" ? name : link(name, place.at({ item: draft_id }));
}

function goBack(
  place: Place,
  acts: Acts,
  { revision, kind, name }: Activation,
  latest: number | undefined,
): Child {
  if (kind === "clear" || revision === latest || !place.may("author")) return nothing();
  const made = acts.button({
    label: "Go back to this",
    kind: "text",
    question: `Go back to revision ${revision}?`,
    consequence: `What ${name} said then decides every call of ${place.tenant} again, under a new revision.`,
    act: async () =>
      isProposed(await place.api.rollback(place.tenant, revision))
        ? "Proposed: it waits for a second person"
        : `Revision ${revision} is in force again`,
  });
  made.setAttribute("aria-label", `Go back to revision ${revision}`);
  return made;
}
