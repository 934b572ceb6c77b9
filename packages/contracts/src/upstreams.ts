// Tool servers that a tenant registers centrally. A row says where a server is and which secret opens it, never the secret: each sidecar
// resolves the reference where it runs, in the places that its operator opened for this.
import { z } from "zod";
import { UpstreamName } from "./tools.ts";

/**
 * Where a sidecar finds a secret. file: a name in its folder of upstream secrets · env: the end of a variable's name, after
 * POSTERN_UPSTREAM_SECRET_ · vault: path and field of a KV version 2 secret, "mount/path#field".
 */
export const SecretReference = z.discriminatedUnion("from", [
  z.strictObject({
    from: z.literal("file"),
    name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, "must be a plain file name"),
  }),
  z.strictObject({
    from: z.literal("env"),
    name: z.string().regex(/^[A-Z0-9][A-Z0-9_]{0,127}$/, "must be capitals, digits and _"),
  }),
  z.strictObject({
    from: z.literal("vault"),
    path: z
      .string()
      .regex(
        /^[A-Za-z0-9_-]{1,64}(\/[A-Za-z0-9_-]{1,64}){1,15}#[A-Za-z0-9_-]{1,64}$/,
        "must be like mount/path#field",
      ),
  }),
]);
export type SecretReference = z.infer<typeof SecretReference>;

/** How the sidecar shows itself to the server. */
export const UpstreamAuth = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("none") }),
  /** A header of its own; `prefix` goes before the secret, such as "Bearer ". */
  z.strictObject({
    kind: z.literal("header"),
    header: z.string().regex(/^[A-Za-z0-9-]{1,64}$/, "must be a header name"),
    prefix: z.string().max(32).default(""),
    secret: SecretReference,
  }),
]);
export type UpstreamAuth = z.infer<typeof UpstreamAuth>;

export const RegisteredUpstream = z.strictObject({
  name: UpstreamName,
  transport: z.enum(["http", "sse"]),
  url: z.url({ protocol: /^https?$/ }).max(2048),
  auth: UpstreamAuth,
});
export type RegisteredUpstream = z.infer<typeof RegisteredUpstream>;

/** Servers that a tenant may register: all of them fit in one signed state. */
export const UPSTREAMS_MAX = 64;
