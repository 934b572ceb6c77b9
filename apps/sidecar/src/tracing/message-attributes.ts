// What a span says of a message, by OpenTelemetry's conventions for MCP (semantic-conventions, gen-ai/mcp; in development). They would also
// have resource addresses, prompt names, arguments and the error's sentence: those are, or may quote, what a caller sent, so they are left out.
import { LEGACY_VERSIONS, METHOD_NAMES, MODERN_VERSIONS } from "@postern/mcp";
import type { SpanAttributes } from "@postern/telemetry";
import { decisionOf, type Ending, eventIdOf, findingsOf, holderOf, type Observed } from "./observed.ts";

const NAME_CHARACTERS_MAX = 128;
const VERSIONS: readonly string[] = [...LEGACY_VERSIONS, ...MODERN_VERSIONS];
const HTTP = {
  "network.transport": "tcp",
  "network.protocol.name": "http",
  "network.protocol.version": "1.1",
};

/** `{mcp.method.name} {gen_ai.tool.name}`. The names that a stranger sends are no names of spans: there is no end of them. */
export function spanName(stage: Observed): string {
  const method = methodName(stage);
  if (method === undefined) return stage.verb === "POST" ? "response" : stage.verb;
  const tool = stage.capability === undefined ? undefined : toolName(stage);
  return tool === undefined ? method : `${method} ${tool}`;
}

/** What the message is, known before anything comes of it. */
export function messageAttributes(stage: Observed): SpanAttributes {
  const { message, headers, sessionId = "", upstream, verb } = stage;
  const version = headers?.get("mcp-protocol-version") ?? "";
  // Whose session it is was asked of known callers only.
  const isOwnSession = stage.capability !== undefined && sessionId !== "";
  return present({
    "mcp.method.name": methodName(stage),
    "http.request.method": verb === "POST" ? undefined : verb,
    "gen_ai.operation.name": stage.method === "tools/call" ? "execute_tool" : undefined,
    "gen_ai.tool.name": toolName(stage),
    "mcp.protocol.version": VERSIONS.includes(version) ? version : undefined,
    "mcp.session.id": isOwnSession ? cut(sessionId) : undefined,
    "jsonrpc.request.id": message?.kind === "request" ? cut(String(message.id.value)) : undefined,
    "postern.upstream": upstream,
  });
}

/** What the caller's side of the exchange is. */
export const callerAttributes = ({ remoteAddress, requestId }: Observed): SpanAttributes =>
  present({ ...HTTP, "client.address": remoteAddress, "postern.request_id": requestId });

/** What came of it. */
export function endingAttributes(stage: Observed, ending: Ending): SpanAttributes {
  const { refused } = ending;
  const holder = holderOf(stage, ending);
  const { pointer } = findingsOf(stage, ending);
  return present({
    "postern.decision": decisionOf(stage, ending),
    "postern.check": refused?.check === "" ? undefined : refused?.check,
    "postern.reason": refused?.reasons[0]?.code,
    "postern.event_id": eventIdOf(stage, ending),
    "postern.tenant": holder?.tenant,
    "gen_ai.agent.id": holder?.agent,
    "postern.policy.revision": pointer?.revision,
    "rpc.response.status_code": refused === undefined ? undefined : String(refused.code),
  });
}

/** How a tool server is reached. */
export type UpstreamPlace =
  | { readonly transport: "pipe" }
  | { readonly transport: "tcp"; readonly host: string; readonly port: number };

export const upstreamAttributes = (place: UpstreamPlace | undefined): SpanAttributes =>
  place?.transport === "tcp"
    ? { ...HTTP, "server.address": place.host, "server.port": place.port }
    : place === undefined
      ? {}
      : { "network.transport": "pipe" };

/** A method that is neither known nor let through by name could be any text. */
function methodName({ method = "", capability, kind }: Observed): string | undefined {
  if (method === "") return undefined;
  const isNamed = METHOD_NAMES.includes(method) || (kind === "call" && capability !== undefined);
  return isNamed ? cut(method) : "_OTHER";
}

const toolName = ({ method, tool }: Observed): string | undefined =>
  method === "tools/call" && tool !== undefined ? cut(tool) : undefined;

const cut = (text: string) => text.slice(0, NAME_CHARACTERS_MAX).toWellFormed();

const present = (attributes: Readonly<Record<string, string | number | undefined>>): SpanAttributes =>
  Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
