// What the judge needs from the outside. The sidecar gives it cached, signed state; a control-plane door gives it its own stores.
// Every port either answers, at once or later, or throws; a throw is a denial.
import type { Ledger, Reserved } from "@postern/budget";
import type { Revocations, Verified } from "@postern/capability";
import type { Capability, Reason } from "@postern/contracts";
import type { Clock } from "@postern/fault";
import type { DeclaredIntent, Resolved } from "@postern/intent";
import type { PolicyQuestion, PolicyVerdict } from "@postern/policy";
import type { Eventually } from "./eventually.ts";

export interface JudgePorts {
  readonly clock: Clock;
  /** Verifies every signature of a token; knows the tenant it may speak for. */
  readonly capability: { verify(token: string): Eventually<Verified> };
  readonly revocations: Revocations;
  /**
   * Kill switches, asked before anything else: why nobody may do anything; with a holder, why this one may not; with a tool, why he may not
   * use it. What is said of more is left out as long as it is not known.
   */
  readonly halts: { refusalOf(holder?: Capability, tool?: string): Reason | undefined };
  /** A reason to accept nothing at the moment: control state is older than the staleness bound, or than that of the tool (P7). */
  readonly stale: (tool?: string) => Reason | undefined;
  readonly intent: { resolve(declared: DeclaredIntent): Eventually<Resolved> };
  /** Why memories do not count: they were not written under this token, or there are none and there must be some. */
  readonly memory?: {
    refusalOf(
      holder: Capability,
      shown: { readonly header: string | undefined; readonly isTool: boolean },
    ): Eventually<Reason | undefined>;
  };
  readonly policy: { evaluate(tenant: string, question: PolicyQuestion): Eventually<PolicyVerdict> };
  readonly budget: Pick<Ledger, "remaining"> & {
    reserve(...asked: Parameters<Ledger["reserve"]>): Eventually<Reserved>;
  };
  readonly rules: JudgeRules;
  /** Hears of trouble inside a check; the call is denied either way. */
  readonly onTrouble?: (check: string, caught: unknown) => void;
}

export interface JudgeRules {
  /** Whether a call without a declared intent is denied. */
  readonly intentRequired: boolean;
  /** Least confidence of an extracted intent, 0 to 1. */
  readonly intentConfidenceMin: number;
  /** A step-up older than this does not count. */
  readonly stepUpMaxAgeMs: number;
  /** Types of obligations that the caller of the judge is able to meet; a policy asking for another one denies. "pii_filter" names the filter. */
  readonly obligations: ReadonlySet<string>;
}
