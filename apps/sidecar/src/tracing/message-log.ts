// One line for each message, at the level at which it is of interest: what was refused or broke at "info" and above, what was answered at
// "debug". A flood is not worth a line each: lines beyond what is allowed are counted, and the next line says how many they were.
import { type Clock, type Fault, toFault } from "@postern/fault";
import type { Fields, Logger, Metrics } from "@postern/telemetry";
import { type Allowance, createAllowance } from "../allowance.ts";
import { decisionOf, type Ending, eventIdOf, holderOf, methodLabel, type Observed } from "./observed.ts";

export interface MessageLog {
  /** `traceId` if the message is traced. */
  tell(stage: Observed, ending: Ending, traceId: string | undefined): void;
}

export interface MessageLogPorts {
  readonly log: Logger;
  readonly metrics: Pick<Metrics, "increment">;
  readonly clock: Pick<Clock, "monotonicMs">;
  /** Whether answered messages are logged at all. */
  readonly isVerbose: boolean;
}

type Kind = "stranger" | "refusal" | "trouble";

/** Lines in a row, and a second. Every refusal is an event of the audit log besides, and is counted in the metrics. */
const LIMITS: Readonly<Record<Kind, { readonly burst: number; readonly perSecond: number }>> = {
  stranger: { burst: 20, perSecond: 1 },
  refusal: { burst: 200, perSecond: 20 },
  trouble: { burst: 200, perSecond: 20 },
};
const TEXT_CHARACTERS_MAX = 256;

export function createMessageLog({ log, metrics, clock, isVerbose }: MessageLogPorts): MessageLog {
  const lanes = new Map<Kind, { readonly allowance: Allowance; heldBack: number }>(
    (["stranger", "refusal", "trouble"] as const).map((kind) => [
      kind,
      { allowance: createAllowance({ ...LIMITS[kind], clock }), heldBack: 0 },
    ]),
  );

  /** Fields of an allowed line beside its own; undefined when it is not allowed. */
  function admit(kind: Kind): Fields | undefined {
    const lane = lanes.get(kind);
    if (lane === undefined || !lane.allowance.take()) {
      if (lane !== undefined) lane.heldBack += 1;
      metrics.increment("logLinesHeldBack", { kind });
      return undefined;
    }
    const { heldBack } = lane;
    lane.heldBack = 0;
    return heldBack === 0 ? {} : { held_back: heldBack };
  }

  return {
    tell(stage, ending, traceId) {
      const isQuiet = ending.status === "answered" || stage.gone?.aborted === true;
      if (isQuiet && !isVerbose) return;
      const fault = ending.caught === undefined ? undefined : toFault(ending.caught);
      const admitted = isQuiet ? {} : admit(kindOf(stage, ending));
      if (admitted === undefined) return;
      const latencyMs = stage.startedMs === undefined ? undefined : clock.monotonicMs() - stage.startedMs;
      const fields = { ...fieldsOf(stage, ending, fault), ...times(latencyMs, traceId), ...admitted };
      const text = `message ${isQuiet && ending.status !== "answered" ? "left" : ending.status}`;
      if (isQuiet) log.debug(text, fields);
      else if (fault?.kind === "internal") log.error(text, ending.caught, fields);
      else if (fault !== undefined) log.warn(text, fields);
      else log.info(text, fields);
    },
  };
}

function kindOf(stage: Observed, ending: Ending): Kind {
  if (holderOf(stage, ending) === undefined) return "stranger";
  return ending.caught === undefined ? "refusal" : "trouble";
}

const times = (latencyMs: number | undefined, traceId: string | undefined): Fields =>
  present({ latency_ms: latencyMs && Math.round(latencyMs * 1_000) / 1_000, trace_id: traceId });

function fieldsOf(stage: Observed, ending: Ending, fault: Fault | undefined): Fields {
  const { refused, status } = ending;
  const holder = holderOf(stage, ending);
  const { kind, tool, method, requestId, remoteAddress, upstream } = stage;
  return present({
    request_id: requestId,
    event_id: eventIdOf(stage, ending),
    status,
    decision: decisionOf(stage, ending),
    tenant: holder?.tenant,
    agent: holder?.agent,
    remote_ip: remoteAddress,
    upstream,
    method: kind === "call" && holder !== undefined ? cut(method) : methodLabel(stage),
    tool: kind === "call" ? cut(tool) : undefined,
    check: refused?.check === "" ? undefined : refused?.check,
    reason: refused?.reasons[0]?.code,
    // Of trouble, what it was: our own words, and the driver's for the log.
    ...(fault !== undefined && fault.kind !== "internal" && troubleOf(fault)),
  });
}

const troubleOf = ({ code, message, detail }: Fault): Fields => ({
  code,
  text: cut(message),
  detail: cut(detail),
});

const cut = (text: string | undefined) => text?.slice(0, TEXT_CHARACTERS_MAX).toWellFormed();

const present = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
