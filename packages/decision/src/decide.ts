// The one judge: capability → intent → policy → budget, and the first failure decides. Every door of the product asks this function.
// Trouble inside a check is a denial by that check (P3); nothing here has a side effect but the budget reservation of an allowed call.
// A call whose answers are all here is decided at once, without a turn of the loop.
import { type Capability, ERROR_CODE, type Intent, type Reason } from "@postern/contracts";
import { checkBudget } from "./check-budget.ts";
import { checkHolder, checkScope, checkToken } from "./check-capability.ts";
import { checkIntent } from "./check-intent.ts";
import { checkPolicy, type PolicyFinding } from "./check-policy.ts";
import { andThen, type Eventually } from "./eventually.ts";
import type { JudgePorts } from "./ports.ts";
import { type JudgedCheck, openTrial, runCheck, type Trial } from "./trial.ts";
import type {
  Allowed,
  CallRequest,
  Decision,
  Denied,
  Finding,
  ListRequest,
  MessageRequest,
  Standing,
} from "./verdict.ts";

/** `holder` is what `authenticate` found in the call's own token just now: then no signature is verified again. */
export function decide(ports: JudgePorts, call: CallRequest, holder?: Capability): Eventually<Decision> {
  const trial = openTrial(ports);
  const verify = () => checkToken(ports, call, holder);
  return pass(trial, "capability", verify, (capability) => {
    trial.findings.capability = capability;
    const cover = () => checkScope(ports, capability, call, "call");
    return pass(trial, "capability", cover, () => judgeIntent(trial, call, capability));
  });
}

function judgeIntent(trial: Trial, call: CallRequest, capability: Capability): Eventually<Decision> {
  return pass(
    trial,
    "intent",
    () => checkIntent(trial.ports, capability, call),
    (intent) => {
      if (intent !== undefined) trial.findings.intent = intent;
      return judgePolicy(trial, call, capability, intent);
    },
  );
}

function judgePolicy(
  trial: Trial,
  call: CallRequest,
  capability: Capability,
  intent: Intent | undefined,
): Eventually<Decision> {
  return pass(
    trial,
    "policy",
    () => checkPolicy(trial.ports, capability, intent, call, "call"),
    (finding) => {
      // A blocked call may have met no policy at all.
      if (finding.policy !== undefined) trial.findings.policy = finding.policy;
      if (finding.pointer !== undefined) trial.findings.pointer = finding.pointer;
      if (finding.verdict === "block") return deny(trial, "policy", finding.reason);
      const approved = { ...trial.findings, capability, policy: finding.policy, pointer: finding.pointer };
      if (finding.verdict === "allow") return judgeBudget(trial, approved);
      const { approval_pending: code } = ERROR_CODE;
      return { ...approved, outcome: "escalate", check: "policy", code, reasons: [finding.reason] };
    },
  );
}

function judgeBudget(trial: Trial, approved: Omit<Allowed, "outcome" | "reservation">): Eventually<Decision> {
  return pass(
    trial,
    "budget",
    () => checkBudget(trial.ports, approved.capability, approved.policy),
    (reservation) => ({ ...approved, outcome: "allow", reservation }),
  );
}

/** Goes on with what a check found, or denies. */
function pass<T>(
  trial: Trial,
  check: JudgedCheck,
  work: () => Eventually<Finding<T>>,
  next: (value: T) => Eventually<Decision>,
): Eventually<Decision> {
  return andThen(runCheck(trial, check, work), (finding) =>
    finding.ok ? next(finding.value) : deny(trial, check, finding.reason),
  );
}

const deny = ({ findings }: Trial, check: JudgedCheck, why: Reason): Denied => ({
  ...findings,
  outcome: "deny",
  check,
  code: ERROR_CODE[check],
  reasons: [why],
});

/**
 * Whether something may be shown to this caller: the same checks, as far as they can be asked beforehand. `holder` as for `decide`.
 */
export function visible(ports: JudgePorts, request: ListRequest, holder?: Capability): Eventually<boolean> {
  const call = { ...request, args: request.args ?? {} };
  // What is named by its arguments, such as a resource, is known whole; of a tool's arguments there are none yet.
  const mode = request.args === undefined ? "list" : "call";
  const judged = runCheck<PolicyFinding>(openTrial(ports), "policy", () =>
    andThen(checkToken(ports, call, holder), (token) => {
      if (!token.ok) return token;
      const scope = checkScope(ports, token.value, call, mode);
      return scope.ok ? checkPolicy(ports, token.value, undefined, call, "list") : scope;
    }),
  );
  return andThen(judged, (finding) => finding.ok && finding.value.verdict !== "block");
}

/**
 * Who sends a message, and whether the token stands for it whatever it asks: all that is judged of a message that asks for nothing. `holder` as
 * for `decide`.
 */
export function authenticate(
  ports: JudgePorts,
  message: MessageRequest,
  holder?: Capability,
): Eventually<Standing> {
  const trial = openTrial(ports);
  const genuine = runCheck(trial, "capability", () => checkToken(ports, message, holder));
  return andThen<Finding<Capability>, Standing>(genuine, (token) => {
    if (!token.ok) return { ...token, capability: undefined };
    const capability = token.value;
    const held = runCheck(trial, "capability", () => checkHolder(ports, capability, message));
    return andThen(held, (standing) => ({ ...(standing.ok ? { ok: true } : standing), capability }));
  });
}
