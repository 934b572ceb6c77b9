// The story of one message, on one screen. Each step takes the stage before it, so that no order but this one compiles.
//
//                          read  identify  authenticate  judge           record           forward  inspect  settle  respond
//   tools/call              ✓       ✓           ✓        decide          before effect       ✓        ✓        ✓       ✓
//   everything else         ✓       ✓           ✓        permit-method   refusals only       ✓        ✓                ✓
//
// Every tools/call whose sender could be asked ends as exactly one event, however it ends: refused, answered, broken off, or left by its caller.
import type { Exchange } from "./exchange.ts";
import {
  type Authenticated,
  type IdentifiedCall,
  type IdentifiedOther,
  isRefused,
  type Received,
} from "./stages.ts";
import { type AuthenticatePorts, authenticate } from "./steps/authenticate.ts";
import { type DecidePorts, decide } from "./steps/decide.ts";
import { type ForwardPorts, forward } from "./steps/forward.ts";
import { identifyTool } from "./steps/identify-tool.ts";
import { type InspectPorts, inspectResponse } from "./steps/inspect-response.ts";
import { type PermitRules, permitMethod } from "./steps/permit-method.ts";
import { type ReadRules, readMessage } from "./steps/read-message.ts";
import { type RecordPorts, recordDecision, recordRefusal } from "./steps/record-decision.ts";
import { type RespondPorts, respond, respondRefused, respondTrouble } from "./steps/respond.ts";
import { brokenOff, executed, neverSent, openSettlement, type SettlePorts } from "./steps/settle.ts";

export type Pipeline = (received: Received, exchange: Exchange) => Promise<void>;

export type PipelinePorts = ReadRules &
  AuthenticatePorts &
  PermitRules &
  DecidePorts &
  RecordPorts &
  ForwardPorts &
  InspectPorts &
  SettlePorts &
  RespondPorts;

export function createPipeline(ports: PipelinePorts): Pipeline {
  return async (received, exchange) => {
    const parsed = readMessage(received, ports);
    if (isRefused(parsed)) return respondRefused(exchange, received, parsed, ports);
    const identified = identifyTool(parsed);
    if (isRefused(identified)) return respondRefused(exchange, parsed, identified, ports);
    const authenticated = await authenticate(identified, ports);
    if (isRefused(authenticated)) {
      return respondRefused(exchange, parsed, await recordRefusal(identified, authenticated, ports), ports);
    }
    await (authenticated.kind === "call"
      ? call(authenticated, exchange, ports)
      : pass(authenticated, exchange, ports));
  };
}

async function call(
  stage: Authenticated<IdentifiedCall>,
  exchange: Exchange,
  ports: PipelinePorts,
): Promise<void> {
  const decided = await decide(stage, ports);
  if (isRefused(decided))
    return respondRefused(exchange, stage, await recordRefusal(stage, decided, ports), ports);
  const recorded = await recordDecision(decided, ports);
  if (isRefused(recorded)) return respondRefused(exchange, stage, recorded, ports);
  const settlement = openSettlement(recorded, ports);
  let status = 0;
  try {
    const forwarded = await forward(recorded, ports);
    if (isRefused(forwarded)) {
      await settlement.settle(neverSent(forwarded));
      return respondRefused(exchange, stage, forwarded, ports);
    }
    status = forwarded.answer.status;
    await respond(exchange, stage, await inspectResponse(forwarded, ports), ports, {
      beforeAnswer: () => settlement.settle(executed(status)),
      beforeEnd: () => settlement.settle(brokenOff(stage, status)),
    });
  } catch (caught) {
    await settlement.settle(brokenOff(stage, status, caught));
    respondTrouble(exchange, stage, caught, ports);
  } finally {
    await settlement.settle(brokenOff(stage, status));
  }
}

async function pass(
  stage: Authenticated<IdentifiedOther>,
  exchange: Exchange,
  ports: PipelinePorts,
): Promise<void> {
  const permitted = permitMethod(stage, ports);
  if (isRefused(permitted))
    return respondRefused(exchange, stage, await recordRefusal(stage, permitted, ports), ports);
  try {
    const forwarded = await forward(permitted, ports);
    if (isRefused(forwarded)) return respondRefused(exchange, stage, forwarded, ports);
    await respond(exchange, stage, await inspectResponse(forwarded, ports), ports);
  } catch (caught) {
    respondTrouble(exchange, stage, caught, ports);
  }
}
