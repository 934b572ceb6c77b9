// What each role may do at the admin door. Rows name a permission, people have roles, and this table is the only place where the two meet.
import { OperatorRole } from "@postern/contracts";

export const Role = OperatorRole;
export type Role = OperatorRole;

/** "superadmin" is no role: it is what belongs to the whole installation, such as tenants and keys. */
export type Permission = "read" | "operate" | "approve" | "author" | "administer" | "superadmin";

const GRANTED: Readonly<Record<Role, readonly Permission[]>> = {
  viewer: ["read"],
  operator: ["read", "operate"],
  approver: ["read", "approve"],
  policy_author: ["read", "author"],
  admin: ["read", "operate", "approve", "author", "administer"],
};

export function grants(roles: readonly Role[], permission: string): boolean {
  return roles.some((role) => GRANTED[role].some((granted) => granted === permission));
}

/** What somebody with these roles may do, in the order of the table. */
export function permissionsOf(roles: readonly Role[]): readonly Permission[] {
  return GRANTED.admin.filter((permission) => grants(roles, permission));
}
