// Step 7: what the upstream answered is looked at before the caller gets it. A list of tools loses what this capability may not call, on
// whatever channel it comes: a JSON body, a stream, a stream taken up again. An answer that is not one is trouble, not an answer.

import type { Judge } from "@postern/decision";
import type { Clock } from "@postern/fault";
import {
  createSseDecoder,
  filterToolListBody,
  readServerMessage,
  replaceSseData,
  type ToolListRules,
} from "@postern/mcp";
import type { Sessions } from "../sessions.ts";
import type { Forwarded, Inspected, StreamPart } from "../stages.ts";
import { type UpstreamBody, upstreamFault } from "../upstream/upstream.ts";

export interface InspectPorts {
  readonly judge: Pick<Judge, "authenticate" | "visible">;
  readonly sessions: Pick<Sessions, "bind" | "forget">;
  readonly clock: Clock;
  readonly responseBytesMax: number;
}

type Stage = Forwarded["stage"];

/** @throws Fault upstream "upstream.protocol", or what reading the answer throws. */
export async function inspectResponse({ stage, answer }: Forwarded, ports: InspectPorts): Promise<Inspected> {
  const { body, status, headers } = answer;
  keepSession(stage, answer, ports);
  const rules = listRules(stage, ports);
  if (isStream(answer))
    return { form: "stream", status, headers, parts: inspectStream(stage, body, rules, ports) };
  const bytes = await readWhole(body, ports.responseBytesMax);
  if (stage.message?.kind === "request") assertAnswer(stage, status, bytes, ports);
  const isJson = /^application\/json\b/.test(headers["content-type"] ?? "");
  const shown = isJson ? await filterToolListBody(bytes, rules) : new Uint8Array();
  return { form: "whole", status, headers, body: shown };
}

const isStream = ({ status, headers }: Forwarded["answer"]) =>
  status === 200 && /^text\/event-stream\b/.test(headers["content-type"] ?? "");

/** A session belongs to the capability that opened it, from its first answer on. */
function keepSession(
  stage: Stage,
  { status, headers }: Forwarded["answer"],
  { sessions }: InspectPorts,
): void {
  const opened = headers["mcp-session-id"];
  if (stage.method === "initialize" && status === 200 && opened !== undefined) {
    // The session takes the place that was kept for it.
    if ("leave" in stage) stage.leave();
    if (!sessions.bind(stage.upstream, opened, stage.capability))
      throw protocolFault("gave out a session id that is somebody else's");
  }
  const isOver = status === 404 || (stage.verb === "DELETE" && status >= 200 && status < 300);
  if (isOver && stage.sessionId !== "") sessions.forget(stage.upstream, stage.sessionId);
}

/** The JSON-RPC answer to this very request; an error status may carry one that names no id. */
function assertAnswer(
  stage: Stage,
  status: number,
  bytes: Uint8Array,
  { responseBytesMax }: InspectPorts,
): void {
  if (status >= 500 || status === 401 || status === 403)
    throw protocolFault(`answered with HTTP status ${status}`);
  const read = readServerMessage(bytes, { bytesMax: responseBytesMax });
  if (!read.ok || read.message.kind !== "response") {
    throw protocolFault(`answered with HTTP status ${status} and something that is not JSON-RPC`);
  }
  const id = read.message.id?.value;
  if (id !== stage.message?.id?.value && !(status >= 400 && id === undefined)) {
    throw protocolFault("answered another request than the one sent");
  }
}

async function* inspectStream(
  stage: Stage,
  body: UpstreamBody,
  rules: ToolListRules,
  ports: InspectPorts,
): AsyncGenerator<StreamPart> {
  const decoder = createSseDecoder({ eventBytesMax: ports.responseBytesMax });
  for await (const chunk of body) {
    const events = decoder.push(chunk);
    if (events.length === 0) continue;
    // A call was judged when it was made; any other stream may stay open for days, so it lives only as long as its capability.
    if (stage.kind === "other" && !(await ports.judge.authenticate(stage)).ok) return;
    const passed: Uint8Array[] = [];
    let settles = false;
    for (const event of events) {
      const data = event.data === undefined ? undefined : Buffer.from(event.data);
      const shown = data === undefined ? undefined : await filterToolListBody(data, rules);
      passed.push(
        shown === data || shown === undefined
          ? event.bytes
          : replaceSseData(event, Buffer.from(shown).toString()),
      );
      if (data !== undefined) settles ||= answers(stage, data, ports);
    }
    yield {
      bytes: passed.length === 1 && passed[0] !== undefined ? passed[0] : Buffer.concat(passed),
      settles,
    };
  }
}

function answers(stage: Stage, data: Uint8Array, { responseBytesMax }: InspectPorts): boolean {
  if (stage.message?.kind !== "request") return false;
  const read = readServerMessage(data, { bytesMax: responseBytesMax });
  return read.ok && read.message.kind === "response" && read.message.id?.value === stage.message.id.value;
}

function listRules(stage: Stage, { judge, clock }: InspectPorts): ToolListRules {
  const { token, upstream, sessionId, remoteAddress, requestId, capability } = stage;
  const { expiresAtMs } = capability;
  return {
    async visible(names) {
      const shown = new Set<string>();
      for (const tool of names) {
        if (await judge.visible({ token, tool, upstream, sessionId, remoteAddress, requestId }))
          shown.add(tool);
      }
      return shown;
    },
    ...(expiresAtMs !== undefined && { ttlMsMax: expiresAtMs - clock.nowMs() }),
  };
}

async function readWhole(body: UpstreamBody, bytesMax: number): Promise<Uint8Array> {
  if (body.whole !== undefined && body.whole.byteLength <= bytesMax) return body.whole;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > bytesMax) throw protocolFault(`sent an answer larger than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

const protocolFault = (what: string) =>
  upstreamFault("upstream.protocol", `The tool server ${what}`, { sent: true });
