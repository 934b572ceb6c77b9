// Settings of logging in to the control plane with the company's identity provider, and how they are read. Half a configuration is none that
// could be guarded, so it stops the start.
import { type ConfigOf, httpUrl, type Secret, secretText, setting, text } from "@postern/config";
import { IssuerUrl, OperatorRole, TenantId } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { z } from "zod";

export const OIDC_SETTINGS = {
  publicUrl: setting(
    {
      env: "POSTERN_PUBLIC_URL",
      description: "Address at which browsers reach this service, such as https://postern.example.com.",
      optional: true,
    },
    httpUrl(),
  ),
  oidcIssuer: setting(
    {
      env: "POSTERN_OIDC_ISSUER",
      description: "The identity provider (OpenID Connect) with which operators log in.",
      optional: true,
    },
    text(512),
  ),
  oidcClientId: setting(
    {
      env: "POSTERN_OIDC_CLIENT_ID",
      description: "What the identity provider knows this service as.",
      optional: true,
    },
    text(256),
  ),
  oidcClientSecret: setting(
    {
      env: "POSTERN_OIDC_CLIENT_SECRET",
      description: "The client's secret. Without one it is a public client, which PKCE protects.",
      optional: true,
    },
    secretText(),
  ),
  oidcAudience: setting(
    {
      env: "POSTERN_OIDC_AUDIENCE",
      description: "Whom a token that is sent as bearer must be meant for. Default: the client id.",
      optional: true,
    },
    text(512),
  ),
  oidcScopes: setting(
    {
      env: "POSTERN_OIDC_SCOPES",
      description: "What a browser login asks for, with blanks between.",
      default: "openid email profile",
    },
    text(512),
  ),
  oidcTenant: setting(
    {
      env: "POSTERN_OIDC_TENANT",
      description: "Tenant of everybody who logs in with the identity provider.",
      default: "default",
    },
    TenantId,
  ),
  oidcTenantClaim: setting(
    {
      env: "POSTERN_OIDC_TENANT_CLAIM",
      description: "Claim that names the tenant, instead of one for everybody.",
      optional: true,
    },
    text(256),
  ),
  oidcNameClaim: setting(
    {
      env: "POSTERN_OIDC_NAME_CLAIM",
      description: "Claim after which a new operator is named.",
      default: "email",
    },
    text(256),
  ),
  oidcRolesClaim: setting(
    {
      env: "POSTERN_OIDC_ROLES_CLAIM",
      description:
        "Claim whose values are mapped to roles; a name, or a JSON Pointer such as /realm_access/roles.",
      default: "groups",
    },
    text(256),
  ),
  oidcRoles: setting(
    {
      env: "POSTERN_OIDC_ROLES",
      description: 'Which values give which roles: group:role,group:role, or JSON such as {"group": "role"}.',
      default: "",
    },
    z.string().max(65_536),
  ),
} as const;

/** Value of the roles claim and the role that it gives. */
export type RoleRule = readonly [value: string, role: OperatorRole];

export interface OidcSettings {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: Secret | undefined;
  /** Whom a bearer token must be meant for. */
  readonly audience: string;
  readonly scopes: string;
  readonly tenant: { readonly fixed: string } | { readonly claim: string };
  readonly nameClaim: string;
  readonly rolesClaim: string;
  readonly roleRules: readonly RoleRule[];
  /** Where the provider sends browsers back to; undefined = browsers cannot log in. */
  readonly redirectUrl: string | undefined;
}

/** undefined when no identity provider is named. Faults: invalid "config.invalid". */
export function readOidc(config: ConfigOf<typeof OIDC_SETTINGS>): OidcSettings | undefined {
  const { oidcIssuer: issuer, oidcClientId: clientId } = config;
  if (issuer === undefined && clientId === undefined) return undefined;
  if (issuer === undefined || clientId === undefined) {
    throw invalid("POSTERN_OIDC_ISSUER and POSTERN_OIDC_CLIENT_ID go together.");
  }
  if (!IssuerUrl.safeParse(issuer).success) {
    throw invalid("POSTERN_OIDC_ISSUER must be an https address (http on loopback only).");
  }
  const { oidcTenantClaim: claim, publicUrl } = config;
  return {
    ...{ issuer, clientId, clientSecret: config.oidcClientSecret, scopes: config.oidcScopes },
    audience: config.oidcAudience ?? clientId,
    tenant: claim === undefined ? { fixed: config.oidcTenant } : { claim },
    nameClaim: config.oidcNameClaim,
    rolesClaim: config.oidcRolesClaim,
    roleRules: readRoles(config.oidcRoles),
    redirectUrl: publicUrl && `${publicUrl.replace(/\/$/, "")}/v1/auth/callback`,
  };
}

const RoleMap = z.record(z.string(), z.union([OperatorRole, z.array(OperatorRole)]));

function readRoles(setting: string): readonly RoleRule[] {
  const written = setting.trim();
  if (!written.startsWith("{")) {
    const rows = written.split(",").map((row) => row.trim());
    return rows.filter((row) => row !== "").map(readRule);
  }
  const parsed = RoleMap.safeParse(jsonOf(written));
  if (!parsed.success) throw badRoles();
  return Object.entries(parsed.data).flatMap(([value, roles]) =>
    [roles].flat().map((role): RoleRule => [value, role]),
  );
}

/** The last colon divides: a group may have others in its name. */
function readRule(row: string): RoleRule {
  const at = row.lastIndexOf(":");
  const role = OperatorRole.safeParse(row.slice(at + 1));
  if (at < 1 || !role.success) throw badRoles();
  return [row.slice(0, at), role.data];
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function badRoles(): Fault {
  return invalid(
    `POSTERN_OIDC_ROLES must be group:role,group:role or a JSON object of such; roles are ${OperatorRole.options.join(", ")}.`,
  );
}

function invalid(message: string): Fault {
  return new Fault("invalid", "config.invalid", message);
}
