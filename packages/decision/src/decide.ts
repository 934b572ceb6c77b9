// The one judge: capability → intent → policy → budget, and the first failure decides. Every door of the product asks this function.
// Trouble inside a check is a denial by that check (P3); nothing here has a side effect but the budget reservation of an allowed call.
import { type Check, ERROR_CODE, type Reason, type ReasonCode, reason } from "@postern/contracts";
import { checkBudget } from "./check-budget.ts";
import { checkHolder, checkScope, checkToken } from "./check-capability.ts";
import { checkIntent } from "./check-intent.ts";
import { checkPolicy, type PolicyFinding } from "./check-policy.ts";
import type { JudgePorts } from "./ports.ts";
import {
  type CallRequest,
  type Decision,
  type Denied,
  type Finding,
  type Findings,
  found,
  type ListRequest,
  type MessageRequest,
  refused,
  type Standing,
} from "./verdict.ts";

export async function decide(ports: JudgePorts, call: CallRequest): Promise<Decision> {
  const timingsMs: Partial<Record<Check, number>> = {};
  const during = <T>(check: JudgedCheck, work: () => Promise<Finding<T>>) =>
    runCheck(ports, timingsMs, check, work);

  const token = await during("capability", () => checkToken(ports, call.token));
  if (!token.ok) return deny("capability", token.reason, { timingsMs });
  const capability = token.value;
  const scope = await during("capability", async () => checkScope(ports, capability, call, "call"));
  if (!scope.ok) return deny("capability", scope.reason, { capability, timingsMs });

  const intent = await during("intent", () => checkIntent(ports, capability, call));
  if (!intent.ok) return deny("intent", intent.reason, { capability, timingsMs });
  const findings: Findings = { capability, ...(intent.value && { intent: intent.value }), timingsMs };

  const judged = await during("policy", async () =>
    found(await checkPolicy(ports, capability, intent.value, call, "call")),
  );
  if (!judged.ok) return deny("policy", judged.reason, findings);
  const finding = judged.value;
  if (finding.verdict === "block") return deny("policy", finding.reason, { ...findings, ...known(finding) });
  const approved = { ...findings, capability, policy: finding.policy, pointer: finding.pointer };
  if (finding.verdict === "escalate") {
    const reasons = [finding.reason];
    return { ...approved, outcome: "escalate", check: "policy", code: ERROR_CODE.approval_pending, reasons };
  }

  const budget = await during("budget", () => checkBudget(ports, capability, approved.policy));
  if (!budget.ok) return deny("budget", budget.reason, approved);
  return { ...approved, outcome: "allow", reservation: budget.value };
}

/** Whether a tool may be shown to this caller: the same checks, as far as they can be asked without arguments. */
export async function visible(ports: JudgePorts, request: ListRequest): Promise<boolean> {
  const call = { ...request, args: {}, intentPrompt: undefined };
  const judged = await runCheck(ports, {}, "policy", async () => {
    const token = await checkToken(ports, call.token);
    if (!token.ok) return token;
    const scope = checkScope(ports, token.value, call, "list");
    if (!scope.ok) return scope;
    return found(await checkPolicy(ports, token.value, undefined, call, "list"));
  });
  return judged.ok && judged.value.verdict !== "block";
}

/** Who sends a message, and whether the token stands for it whatever it asks: all that is judged of a message that is no tool call. */
export async function authenticate(ports: JudgePorts, message: MessageRequest): Promise<Standing> {
  const during = <T>(work: () => Promise<Finding<T>>) => runCheck(ports, {}, "capability", work);
  const genuine = await during(() => checkToken(ports, message.token));
  if (!genuine.ok) return { ...genuine, capability: undefined };
  const capability = genuine.value;
  const holder = await during(async () => checkHolder(ports, capability, message));
  return { ...(holder.ok ? { ok: true } : holder), capability };
}

type JudgedCheck = keyof typeof TROUBLE;

/** What a caller is told when a check itself breaks. */
const TROUBLE = {
  capability: "capability.unavailable",
  intent: "intent.unavailable",
  policy: "policy.failed",
  budget: "budget.unavailable",
} as const satisfies Partial<Record<Check, ReasonCode>>;

async function runCheck<T>(
  ports: JudgePorts,
  timingsMs: Partial<Record<Check, number>>,
  check: JudgedCheck,
  work: () => Promise<Finding<T>>,
): Promise<Finding<T>> {
  const startedMs = ports.clock.monotonicMs();
  try {
    return await work();
  } catch (caught) {
    ports.onTrouble?.(check, caught);
    return refused(reason(TROUBLE[check]));
  } finally {
    timingsMs[check] = (timingsMs[check] ?? 0) + ports.clock.monotonicMs() - startedMs;
  }
}

/** A blocked call may have met no policy at all. */
const known = ({ policy, pointer }: PolicyFinding) => ({
  ...(policy && { policy }),
  ...(pointer && { pointer }),
});

const deny = (check: JudgedCheck, why: Reason, findings: Findings): Denied => ({
  ...findings,
  outcome: "deny",
  check,
  code: ERROR_CODE[check],
  reasons: [why],
});
