// Step 7: what the upstream answered is looked at before the caller gets it, message by message, on whatever channel it comes: a JSON body, a
// stream, a stream taken up again. An answer that is not one is trouble, not an answer.
import type { JsonValue } from "@postern/contracts";
import type { Judge } from "@postern/decision";
import { createSseDecoder, member, replaceSseData } from "@postern/mcp";
import { includesElicitation } from "../approvals/way-of-waiting.ts";
import type { Sessions } from "../sessions.ts";
import { type Forwarded, type Inspected, type StreamPart, staysOpen } from "../stages.ts";
import { type UpstreamBody, upstreamFault } from "../upstream/upstream.ts";
import { inspectMessage, isAnswer, type MessagePorts } from "./inspect-message.ts";

export interface InspectPorts extends MessagePorts {
  readonly judge: Pick<Judge, "authenticate" | "visible">;
  readonly sessions: Pick<Sessions, "bind" | "forget">;
  readonly responseBytesMax: number;
}

type Stage = Forwarded["stage"];

/** @throws Fault upstream "upstream.protocol", or what reading the answer throws. */
export async function inspectResponse({ stage, answer }: Forwarded, ports: InspectPorts): Promise<Inspected> {
  const { body, status, headers } = answer;
  keepSession(stage, answer, ports);
  if (isStream(answer)) {
    return { form: "stream", status, headers, parts: inspectStream(stage, body, ports) };
  }
  const bytes = await readWhole(body, ports.responseBytesMax);
  if (stage.message?.kind !== "request" && !isJson(headers)) {
    return { form: "whole", status, headers, body: new Uint8Array() };
  }
  const text = textOf(bytes);
  const message = read(text);
  if (stage.message?.kind === "request") assertAnswer(stage, status, message);
  const shown = (await inspectMessage(stage, text, message, ports)) ?? "";
  return { form: "whole", status, headers, body: shown === text ? bytes : Buffer.from(shown) };
}

const isStream = ({ status, headers }: Forwarded["answer"]) =>
  status === 200 && (headers["content-type"] ?? "").startsWith("text/event-stream");
const isJson = (headers: Forwarded["answer"]["headers"]) =>
  (headers["content-type"] ?? "").startsWith("application/json");

/** A session belongs to the capability that opened it, from its first answer on. */
function keepSession(
  stage: Stage,
  { status, headers }: Forwarded["answer"],
  { sessions }: InspectPorts,
): void {
  const opened = headers["mcp-session-id"];
  if (stage.method === "initialize" && status === 200 && opened !== undefined) {
    // The session takes the place that was kept for it.
    stage.leave();
    if (!sessions.bind(stage.upstream, opened, stage.capability, canAskUser(stage)))
      throw protocolFault("gave out a session id that is somebody else's");
  }
  const isOver = status === 404 || (stage.verb === "DELETE" && status >= 200 && status < 300);
  if (isOver && stage.sessionId !== "") sessions.forget(stage.upstream, stage.sessionId);
}

/** As the client says when it opens the session. */
function canAskUser({ message }: Stage): boolean {
  const params = message?.kind === "request" ? message.params : undefined;
  return params !== undefined && includesElicitation(member(params, "capabilities"));
}

/** The JSON-RPC answer to this very request; an error status may carry one that names no id. */
function assertAnswer(stage: Stage, status: number, message: JsonValue): void {
  if (status >= 500 || status === 401 || status === 403)
    throw protocolFault(`answered with HTTP status ${status}`);
  if (!isAnswer(message))
    throw protocolFault(`answered with HTTP status ${status} and something that is not JSON-RPC`);
  const id = member(message, "id") ?? undefined;
  if (id !== stage.message?.id?.value && !(status >= 400 && id === undefined))
    throw protocolFault("answered another request than the one sent");
}

async function* inspectStream(
  stage: Stage,
  body: UpstreamBody,
  ports: InspectPorts,
): AsyncGenerator<StreamPart> {
  const decoder = createSseDecoder({ eventBytesMax: ports.responseBytesMax });
  // A stream that waits for something to be sent ends all the same.
  if (stage.over?.aborted) body.cancel();
  stage.over?.addEventListener("abort", body.cancel);
  for await (const chunk of body) {
    const events = decoder.push(chunk);
    if (events.length === 0) continue;
    // A call was judged when it was made; what may stay open for days lives only as long as its capability.
    if ((stage.kind === "other" || staysOpen(stage)) && !(await ports.judge.authenticate(stage)).ok) return;
    const passed: Uint8Array[] = [];
    let settles = false;
    for (const event of events) {
      if (event.data === undefined || event.data === "") {
        passed.push(event.bytes);
        continue;
      }
      const message = read(event.data);
      const shown = await inspectMessage(stage, event.data, message, ports);
      if (shown === undefined) continue;
      passed.push(shown === event.data ? event.bytes : replaceSseData(event, shown));
      settles ||= isAnswer(message) && member(message, "id") === stage.message?.id?.value;
    }
    const [only] = passed;
    yield { bytes: passed.length === 1 && only !== undefined ? only : Buffer.concat(passed), settles };
  }
}

const textOf = (bytes: Uint8Array) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();

function read(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw upstreamFault("upstream.protocol", "The tool server sent something that is not JSON", {
      sent: true,
      cause,
    });
  }
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
