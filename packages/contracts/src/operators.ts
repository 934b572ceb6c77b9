// Operators: the people and programs that use the admin interface under a name of their own.
import { z } from "zod";

/**
 * viewer: sees · operator: gives tokens out, takes them back, stops things · approver: decides on parked calls and changed tools · policy_author:
 * writes and promotes policies · admin: all of that, and the tenant's settings, people, sidecars and servers.
 */
export const OperatorRole = z.enum(["viewer", "operator", "approver", "policy_author", "admin"]);
export type OperatorRole = z.infer<typeof OperatorRole>;

/** Lower case only, so that no two names differ by what nobody sees. An e-mail address is one. */
export const OperatorName = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9._@+-]{0,62}[a-z0-9])?$/,
    "must be 1 to 64 lower-case letters, digits or inner . _ @ + -",
  );
export type OperatorName = z.infer<typeof OperatorName>;
