// From claims to a grant. Rules are tried in order and the first that matches decides; when none does, nobody is let in. A claim is looked
// up among the object's own fields, so that no name means anything that the issuer did not write.
import { matchGlob } from "@postern/capability";
import type { ClaimMatch, ExchangeRule } from "@postern/contracts";
import { fillTemplate } from "./agent-template.ts";
import { claimAt } from "./claim-path.ts";
import type { Claims, Grant } from "./model.ts";

/** Text that is longer matches no pattern. */
const MATCHED_CHARS_MAX = 1024;

/** `rule`: the one that matched, although what it names as agent cannot be one. */
export type Mapped =
  | { readonly ok: true; readonly grant: Grant }
  | { readonly ok: false; readonly rule: string | undefined; readonly problem: string };

/** Pure: what these rules give for these claims. */
export function grantFor(rules: readonly ExchangeRule[], claims: Claims): Mapped {
  const rule = rules.find(({ match }) => isMatch(match, claims));
  if (rule === undefined) {
    return { ok: false, rule: undefined, problem: "No rule gives the holder of this access token anything." };
  }
  const { agent: template, caveats, ttl_seconds: ttlSeconds } = rule.grant;
  const filled = fillTemplate(template, claims);
  if (!filled.ok) return { ok: false, rule: rule.name, problem: filled.problem };
  return { ok: true, grant: { rule: rule.name, agent: filled.agent, caveats, ttlSeconds } };
}

function isMatch(match: ExchangeRule["match"], claims: Claims): boolean {
  const entries = Object.entries(match);
  return entries.length > 0 && entries.every(([path, wanted]) => isSatisfied(wanted, claimAt(claims, path)));
}

function isSatisfied(wanted: ClaimMatch, claim: unknown): boolean {
  return Array.isArray(claim) ? claim.some((item) => isEqual(wanted, item)) : isEqual(wanted, claim);
}

function isEqual(wanted: ClaimMatch, value: unknown): boolean {
  if (typeof wanted !== "object") return value === wanted;
  if ("one_of" in wanted) return wanted.one_of.some((one) => value === one);
  return typeof value === "string" && value.length <= MATCHED_CHARS_MAX && matchGlob(wanted.glob, value);
}
