// What the reader's roles do not permit is not offered, and the reader is told which role would. The control plane decides in any case.
import type { Permission } from "./admin-people.ts";
import { type Child, element } from "./element.ts";
import { link } from "./parts.ts";
import type { Place } from "./screen.ts";

const NEEDED: Readonly<Record<Permission, string>> = {
  read: "viewer",
  operate: "operator",
  approve: "approver",
  author: "policy author",
  administer: "administrator",
  superadmin: "superadmin",
};

/** What is offered, or in its place who may do it. */
export function offered(place: Place, permission: Permission, offer: () => Child): Child {
  if (place.may(permission)) return offer();
  return element(
    "p",
    { class: "note" },
    `This is for those who have the role ${NEEDED[permission]}. `,
    link("What you may do", place.at({ screen: "people" })),
  );
}

/** What is offered, or nothing: for one of several offers. */
export function offeredSilently(place: Place, permission: Permission, offer: () => Child): Child {
  return place.may(permission) ? offer() : undefined;
}
