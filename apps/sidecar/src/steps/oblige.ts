// Step 4, continued: what the decision asks to be changed in the request is changed before anything is recorded or sent, so that judge, record
// and tool server all speak of the same value (P1). What is left unchanged travels as the very bytes that came.
import type { Ledger } from "@postern/budget";
import { ERROR_CODE, type JsonObject, REASONS, type Reason, reason } from "@postern/contracts";
import { type Applied, compileObligations, type Obligations } from "@postern/obligation";
import type { Logger } from "@postern/telemetry";
import type { Handles } from "../handles.ts";
import { rewriteMessage } from "../rewrite-message.ts";
import { rootOf } from "../sessions.ts";
import { type Decided, grow, type Obliged, type Refused, refuse } from "../stages.ts";

export interface ObligePorts {
  readonly handles: Pick<Handles, "give">;
  readonly budget: Pick<Ledger, "release">;
  readonly log: Pick<Logger, "error">;
}

/** Never throws: trouble with an obligation is a denial, and the budget goes back (P3). */
export async function oblige(stage: Decided, ports: ObligePorts): Promise<Obliged | Refused> {
  try {
    return await meet(stage, ports);
  } catch (caught) {
    ports.log.error("obligation failed", caught, { request_id: stage.requestId });
    return giveUp(stage, "policy", reason("policy.obligation"), [], ports);
  }
}

async function meet(stage: Decided, ports: ObligePorts): Promise<Obliged | Refused> {
  const compiled = compileObligations(stage.decision.policy);
  if (!compiled.ok) {
    const why = reason("policy.obligation", `${REASONS["policy.obligation"]} ${compiled.problem}`);
    return giveUp(stage, "policy", why, [], ports);
  }
  const { obligations } = compiled;
  if (obligations === undefined) return grow(stage, { obligations, applied: [] });
  if (stage.sessionId !== "" && stage.message?.kind === "request") {
    // The answer may come by another way: on a stream that is taken up again.
    const owner = rootOf(stage.capability);
    ports.handles.give("answer", stage.upstream, answerKey(stage.sessionId, stage.message.id.value), {
      owner,
      tool: stage.tool,
      obligations,
    });
  }
  return obligations.inspectsRequest
    ? change(stage, obligations, ports)
    : grow(stage, { obligations, applied: [] });
}

/** Names an answer that is to come in a session. */
export const answerKey = (sessionId: string, id: string | number): string =>
  `${sessionId}\n${typeof id}\n${id}`;

async function change(
  stage: Decided,
  obligations: Obligations,
  ports: ObligePorts,
): Promise<Obliged | Refused> {
  const { message } = stage;
  const params = message === undefined || message.kind === "response" ? undefined : message.params;
  const { _meta, ...asked } = params ?? {};
  // Of a tool call its arguments are looked at, and the input that a repeated one brings; of anything else all that it asks with.
  const isCall = stage.method === "tools/call";
  const looked = isCall ? stage.args : asked;
  const outcome = obligations.applyToRequest(looked);
  if (!outcome.ok) return giveUp(stage, "pii", outcome.reason, outcome.applied, ports);
  const brought =
    isCall && asked.inputResponses !== undefined ? { inputResponses: asked.inputResponses } : {};
  const input = obligations.applyToRequest(brought);
  if (!input.ok) return giveUp(stage, "pii", input.reason, input.applied, ports);
  const applied = [...outcome.applied, ...input.applied];
  if (outcome.args === looked && input.args === brought) return grow(stage, { obligations, applied });
  const changed: JsonObject = {
    ...(isCall ? { ...asked, ...input.args, arguments: outcome.args } : outcome.args),
    ...(_meta !== undefined && { _meta }),
  };
  return grow(rewrite(stage, changed), { obligations, applied, args: outcome.args });
}

/** What travels is a serialisation of exactly the value that was judged and changed. */
function rewrite(stage: Decided, params: JsonObject): Decided {
  // A header that mirrors an argument would still say what was there before (MCP 2026-07-28, Mcp-Param-*).
  const headers = new Map([...stage.headers].filter(([name]) => !name.startsWith("mcp-param-")));
  return grow(rewriteMessage(stage, params), { headers });
}

async function giveUp(
  stage: Decided,
  check: "policy" | "pii",
  why: Reason,
  applied: readonly Applied[],
  { budget }: ObligePorts,
): Promise<Refused> {
  await budget.release(stage.decision.reservation);
  return refuse(stage, {
    code: ERROR_CODE[check],
    check,
    reasons: [why],
    findings: stage.decision,
    applied,
  });
}
