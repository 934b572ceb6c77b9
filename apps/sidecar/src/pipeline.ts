// The story of one message, on one screen. Each step takes the stage before it, so that no order but this one compiles.
//
//                          read  identify  authenticate  judge          place  record          forward  inspect  settle  respond
//   tools/call              ✓       ✓           ✓        decide                 before effect      ✓        ✓        ✓       ✓
//   a method by opt-in      ✓       ✓           ✓        permit-method    ✓     before effect      ✓        ✓        ✓       ✓
//   any other message       ✓       ✓           ✓        permit-method    ✓     refusals only      ✓        ✓                ✓
//
// Every tools/call and every opt-in message of a caller who is known ends as exactly one event, however it ends: refused, answered, broken
// off, or left by its caller.
import type { Exchange } from "./exchange.ts";
import {
  type Admitted,
  type Authenticated,
  type Decided,
  type IdentifiedCall,
  type IdentifiedOther,
  isRefused,
  type Permitted,
  type Placed,
  type Received,
  staysOpen,
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
import { type PlacePorts, takePlace } from "./steps/take-place.ts";

export type Pipeline = (received: Received, exchange: Exchange) => Promise<void>;

export type PipelinePorts = ReadRules &
  AuthenticatePorts &
  PermitRules &
  PlacePorts &
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
  await carryOut(decided, exchange, ports);
}

async function pass(
  stage: Authenticated<IdentifiedOther>,
  exchange: Exchange,
  ports: PipelinePorts,
): Promise<void> {
  const permitted = permitMethod(stage, ports);
  const placed = isRefused(permitted) ? permitted : takePlace(permitted, ports);
  if (isRefused(placed))
    return respondRefused(exchange, stage, await recordRefusal(stage, placed, ports), ports);
  try {
    await (placed.passes === "configured"
      ? carryOut(placed, exchange, ports)
      : relay(placed, exchange, ports));
  } finally {
    placed.leave();
  }
}

/** What leaves a trace: recorded, forwarded, and settled whatever happens. */
async function carryOut(
  stage: Decided | Placed<Admitted>,
  exchange: Exchange,
  ports: PipelinePorts,
): Promise<void> {
  const recorded = await recordDecision(stage, ports);
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
    // A stream without an answer may last for days, and an open outcome keeps the spool from being freed.
    if (staysOpen(stage)) await settlement.settle(executed(status));
    await respond(exchange, stage, await inspectResponse(forwarded, ports), ports, {
      beforeAnswer: () => settlement.settle(executed(status)),
      beforeEnd: () => settlement.settle(brokenOff(stage, status)),
    });
  } catch (caught) {
    await settlement.settle(brokenOff(stage, status, caught));
    respondTrouble(exchange, { ...stage, isRecorded: true }, caught, ports);
  } finally {
    await settlement.settle(brokenOff(stage, status));
  }
}

async function relay(stage: Placed<Permitted>, exchange: Exchange, ports: PipelinePorts): Promise<void> {
  try {
    const forwarded = await forward(stage, ports);
    if (isRefused(forwarded)) return respondRefused(exchange, stage, forwarded, ports);
    await respond(exchange, stage, await inspectResponse(forwarded, ports), ports);
  } catch (caught) {
    respondTrouble(exchange, { ...stage, isRecorded: false }, caught, ports);
  }
}
