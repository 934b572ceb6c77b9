// From an access token to a capability. What decides is read when it decides: an issuer or a rule that is taken away gives nothing from that
// moment, and a rule that changes between verifying and granting makes the holder ask again. Whoever proved who he is is told of in the
// chain, let in or not; the token itself never is.
import { type Caveat, haltedReason, type JsonObject, type JsonValue } from "@postern/contracts";
import { type Clock, Fault, toFault } from "@postern/fault";
import type { Capabilities } from "../capabilities/service.ts";
import type { Halts } from "../halts/service.ts";
import type { Unit, Work } from "../unit.ts";
import { claimedIssuer, type VerifiedAccessToken, verifyAccessToken } from "./access-token.ts";
import type { KeySets } from "./key-sets.ts";
import { type Claims, type Grant, loginId, notExchanged, type TrustedIssuer } from "./model.ts";
import { grantFor } from "./rules.ts";
import { findByUrl, findIssuer } from "./store.ts";

/** What an issuer's rules make of given claims. `claims` is absent when the access token itself was refused. */
export type Explanation =
  | {
      readonly ok: true;
      readonly claims: Claims;
      readonly grant: Grant;
      /** Id that the capability would have; undefined when the claims name no subject. */
      readonly jti: string | undefined;
    }
  | {
      readonly ok: false;
      readonly claims?: Claims;
      readonly rule: string | undefined;
      readonly problem: string;
    };

export interface Exchanged {
  readonly token: string;
  readonly expiresAt: string;
}

export type Asked =
  | { readonly claims: Claims }
  | {
      readonly token: string;
      /** Default: the issuer's first audience. */
      readonly resource: string | undefined;
    };

export interface TokenExchange {
  /** Mints nothing and tells nobody. Faults: unavailable "issuers.*". */
  explain(issuer: TrustedIssuer, asked: Asked): Promise<Explanation>;
  /**
   * A short-lived capability for an access token.
   * Faults: forbidden "capability.exchange", "capability.halted"; unavailable "issuers.*", when it may help to try again.
   */
  exchange(
    work: Work,
    request: { tenant: string; accessToken: string; resource: string },
  ): Promise<Exchanged>;
}

interface Login {
  /** As it was when the token was verified. */
  readonly issuer: TrustedIssuer;
  readonly verified: VerifiedAccessToken;
  readonly resource: string;
}

export function createTokenExchange(ports: {
  capabilities: Capabilities;
  halts: Pick<Halts, "stopping">;
  keySets: KeySets;
  clock: Clock;
}): TokenExchange {
  const { capabilities, halts, keySets, clock } = ports;

  /** A refusal is returned, so that it is told in the chain. */
  async function grant(unit: Unit, login: Login): Promise<Exchanged | Fault> {
    const issuer = await unchanged(unit, login.issuer);
    const { verified } = login;
    const told = { tenant: issuer.tenant, name: "exchange", details: detailsOf(login) };
    const refuse = (problem: string, agentId = "", refusal = notExchanged(problem)) => {
      unit.record({ ...told, agentId, decision: "block", check: "capability", reason: problem });
      return refusal;
    };
    const mapped = grantFor(issuer.trust.rules, verified.claims);
    if (!mapped.ok) return refuse(mapped.problem);
    const { agent, rule } = mapped.grant;
    const lifeSeconds = Math.floor((verified.endsAtMs - unit.nowMs) / 1000);
    if (lifeSeconds < 1) return refuse("The access token has expired.", agent);
    const request = mintRequest(issuer, mapped.grant, lifeSeconds);
    const jti = loginId(issuer, verified.subject, agent);
    const halt = await halts.stopping(unit.executor, { tenant: issuer.tenant, agent, jti }, unit.nowMs);
    if (halt !== undefined) {
      const { code, detail } = haltedReason(halt);
      return refuse(detail, agent, new Fault("forbidden", code, detail));
    }
    const issued = await capabilities.issue(unit, request, jti).catch((caught: unknown) => {
      if (toFault(caught).code !== "capabilities.revoked") throw caught;
      return refuse("This login was revoked.", agent);
    });
    if (issued instanceof Fault) return issued;
    const { token, caveats, expiresAt = "" } = issued;
    unit.record({
      ...told,
      agentId: agent,
      tokenId: jti,
      rootTokenId: jti,
      caveatCount: caveats.length,
      details: { ...told.details, rule, caveats: plain(caveats), expires_at: expiresAt },
    });
    return { token, expiresAt };
  }

  async function verifiedClaims(issuer: TrustedIssuer, asked: Asked): Promise<Claims> {
    if ("claims" in asked) return asked.claims;
    if (claimedIssuer(asked.token) !== issuer.issuer) {
      throw notExchanged("The access token is of another issuer.");
    }
    const resource = asked.resource ?? issuer.trust.audiences[0] ?? "";
    const expected = { issuer, resource, nowMs: clock.nowMs() };
    return (await verifyAccessToken(asked.token, expected, keySets)).claims;
  }

  return {
    async explain(issuer, asked) {
      let claims: Claims;
      try {
        claims = await verifiedClaims(issuer, asked);
      } catch (caught) {
        const { code, message } = toFault(caught);
        if (code !== "capability.exchange") throw caught;
        return { ok: false, rule: undefined, problem: message };
      }
      const mapped = grantFor(issuer.trust.rules, claims);
      if (!mapped.ok) return { ...mapped, claims };
      const { sub } = claims;
      const jti = typeof sub === "string" ? loginId(issuer, sub, mapped.grant.agent) : undefined;
      return { ok: true, claims, grant: mapped.grant, jti };
    },

    async exchange(work, { tenant, accessToken, resource }) {
      const url = claimedIssuer(accessToken);
      const issuer = await work.read((executor) => findByUrl(executor, { tenant, issuer: url }));
      if (issuer === undefined) throw untrusted();
      const expected = { issuer, resource, nowMs: clock.nowMs() };
      const verified = await verifyAccessToken(accessToken, expected, keySets);
      const outcome = await work.commit((unit) => grant(unit, { issuer, verified, resource }));
      if (outcome instanceof Fault) throw outcome;
      return outcome;
    },
  };
}

async function unchanged(unit: Unit, seen: TrustedIssuer): Promise<TrustedIssuer> {
  const issuer = await findIssuer(unit.executor, seen);
  if (issuer === undefined) throw untrusted();
  if (issuer.updatedAt.getTime() === seen.updatedAt.getTime()) return issuer;
  throw new Fault("unavailable", "issuers.changed", "The issuer's rules have just changed: try again.");
}

function mintRequest(
  { tenant, issuer }: TrustedIssuer,
  { agent, caveats, ttlSeconds }: Grant,
  lifeSeconds: number,
) {
  return {
    ...{ tenant, issuer, subject: agent, caveats, ttlSeconds: Math.min(ttlSeconds, lifeSeconds) },
    ...{ tools: undefined, maxCalls: undefined, stepUp: false, attenuable: false },
  };
}

/** Who logged in, where, and by which access token. */
function detailsOf({ issuer, verified: { claims, subject }, resource }: Login): JsonObject {
  const text = (claim: unknown) => (typeof claim === "string" ? claim.slice(0, 255) : "");
  return {
    issuer: issuer.issuer,
    subject,
    resource,
    access_token_id: text(claims.jti),
    client: text(claims.client_id ?? claims.azp),
  };
}

function plain(caveats: readonly Caveat[]): JsonValue {
  return JSON.parse(JSON.stringify(caveats)) as JsonValue;
}

function untrusted(): Fault {
  return notExchanged("The access token's issuer is not trusted here.");
}
