// What each role may do at the admin door. Rows name a permission, people have roles, and this table is the only place where the two meet.
import { z } from "zod";

/**
 * viewer: sees · operator: gives tokens out, takes them back, stops things · approver: decides on parked calls and changed tools · policy_author:
 * writes and promotes policies · admin: all of that, and the tenant's settings, people, sidecars and servers.
 */
export const Role = z.enum(["viewer", "operator", "approver", "policy_author", "admin"]);
export type Role = z.infer<typeof Role>;

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
