// The story of one message, on one screen. Each step takes the stage before it, so that no order but this one compiles.
//
//                          read  identify  authenticate  place  judge          record          forward  inspect  settle  respond
//   what asks for something  ✓       ✓           ✓         ✓    decide, oblige before effect      ✓        ✓        ✓       ✓
//   any other message        ✓       ✓           ✓         ✓    permit-method  refusals only      ✓        ✓                ✓
//
// What a policy puts before people goes through two more steps of the judge: seek-approval between decide and oblige, claim-approval after it.
//
// Every message of a caller who is known that asks for something (a tool, a resource, a prompt, …) ends as exactly one event, however it
// ends: refused, answered, broken off, or left by its caller. Only a call that was held for a person has two: that it was put before one, and
// what was decided then.
import { createHeldExchange } from "./approvals/held-exchange.ts";
import type { Exchange } from "./exchange.ts";
import {
  type Authenticated,
  type Cleared,
  type Decided,
  type IdentifiedCall,
  type IdentifiedOther,
  isEscalation,
  isRefused,
  type Permitted,
  type Placed,
  type Received,
  type Refused,
  staysOpen,
} from "./stages.ts";
import { type AuthenticatePorts, authenticate } from "./steps/authenticate.ts";
import { type ClaimPorts, claimApproval } from "./steps/claim-approval.ts";
import { type DecidePorts, decide } from "./steps/decide.ts";
import { type ForwardPorts, forward } from "./steps/forward.ts";
import { type IdentifyRules, identifyTool } from "./steps/identify-tool.ts";
import { type InspectPorts, inspectResponse } from "./steps/inspect-response.ts";
import { type ObligePorts, oblige } from "./steps/oblige.ts";
import { ownState, type StatePorts } from "./steps/own-state.ts";
import { type PermitPorts, permitMethod } from "./steps/permit-method.ts";
import { type ReadRules, readMessage } from "./steps/read-message.ts";
import { type RecordPorts, recordDecision, recordRefusal } from "./steps/record-decision.ts";
import { type RespondPorts, respond, respondHeard, respondRefused, respondTrouble } from "./steps/respond.ts";
import { type SeekPorts, seekApproval } from "./steps/seek-approval.ts";
import { brokenOff, executed, neverSent, openSettlement, type SettlePorts } from "./steps/settle.ts";
import { type PlacePorts, takePlace } from "./steps/take-place.ts";

export type Pipeline = (received: Received, exchange: Exchange) => Promise<void>;

export type PipelinePorts = ReadRules &
  IdentifyRules &
  AuthenticatePorts &
  StatePorts &
  PlacePorts &
  PermitPorts &
  DecidePorts &
  SeekPorts &
  ClaimPorts &
  ObligePorts &
  RecordPorts &
  ForwardPorts &
  InspectPorts &
  SettlePorts &
  RespondPorts;

export function createPipeline(ports: PipelinePorts): Pipeline {
  return async (received, exchange) => {
    const parsed = readMessage(received, ports);
    if (isRefused(parsed)) return respondRefused(exchange, received, parsed, ports);
    const identified = identifyTool(parsed, ports);
    if (isRefused(identified)) return respondRefused(exchange, parsed, identified, ports);
    const authenticated = await authenticate(identified, ports);
    const placed = isRefused(authenticated) ? authenticated : takePlace(authenticated, ports);
    if (isRefused(placed)) {
      return respondRefused(exchange, parsed, await recordRefusal(identified, placed, ports), ports);
    }
    try {
      await (placed.kind === "call" ? call(placed, exchange, ports) : pass(placed, exchange, ports));
    } finally {
      placed.leave();
    }
  };
}

async function call(
  stage: Placed<Authenticated<IdentifiedCall>>,
  exchange: Exchange,
  ports: PipelinePorts,
): Promise<void> {
  const owned = ownState(stage, ports);
  const decided = isRefused(owned) ? owned : await decide(owned, ports);
  if (!isEscalation(decided)) return conclude(stage, decided, exchange, ports);
  const held = createHeldExchange(exchange);
  try {
    await conclude(stage, await seekApproval(decided, held, ports), held, ports);
  } catch (caught) {
    respondTrouble(held, { ...stage, isRecorded: false }, caught, ports);
  }
}

async function conclude(
  stage: Placed<Authenticated<IdentifiedCall>>,
  decided: Decided | Refused,
  exchange: Exchange,
  ports: PipelinePorts,
): Promise<void> {
  const obliged = isRefused(decided) ? decided : await oblige(decided, ports);
  const cleared = isRefused(obliged) ? obliged : await claimApproval(obliged, ports);
  if (isRefused(cleared))
    return respondRefused(exchange, stage, await recordRefusal(stage, cleared, ports), ports);
  await carryOut(cleared, exchange, ports);
}

async function pass(
  stage: Placed<Authenticated<IdentifiedOther>>,
  exchange: Exchange,
  ports: PipelinePorts,
): Promise<void> {
  if (ports.approvals.correspondence.hears(stage)) return respondHeard(exchange, stage, ports);
  const permitted = await permitMethod(stage, ports);
  if (isRefused(permitted))
    return respondRefused(exchange, stage, await recordRefusal(stage, permitted, ports), ports);
  await relay(permitted, exchange, ports);
}

/** What leaves a trace: recorded, forwarded, and settled whatever happens. */
async function carryOut(stage: Cleared, exchange: Exchange, ports: PipelinePorts): Promise<void> {
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

async function relay(stage: Permitted, exchange: Exchange, ports: PipelinePorts): Promise<void> {
  try {
    const forwarded = await forward(stage, ports);
    if (isRefused(forwarded)) return respondRefused(exchange, stage, forwarded, ports);
    await respond(exchange, stage, await inspectResponse(forwarded, ports), ports);
  } catch (caught) {
    respondTrouble(exchange, { ...stage, isRecorded: false }, caught, ports);
  }
}
