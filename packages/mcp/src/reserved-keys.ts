// Keys whose spelling decides how a message is read. Some parsers match keys without regard to case, fold "ſ" to "s" and the Kelvin sign
// to "k", or stop at NUL; so a key that only looks like a reserved one is refused, and so is one that every object inherits. The content of
// tool arguments stays free.
import type { JsonObject } from "@postern/contracts";
import { isJsonObject, member } from "./message.ts";

const ENVELOPE = new Set(["jsonrpc", "id", "method", "params", "result", "error"]);

/** Members of `params` that a decision, a route or a binding is taken from, in any protocol revision. */
const PARAMS = new Set([
  "name",
  "arguments",
  "uri",
  "cursor",
  "ref",
  "argument",
  "context",
  "taskId",
  "taskIds",
  "task",
  "requestId",
  "progressToken",
  "protocolVersion",
  "capabilities",
  "clientInfo",
  "inputResponses",
  "requestState",
  "notifications",
  "resourceSubscriptions",
  "level",
  "_meta",
]);

const META = new Set([
  "progressToken",
  "traceparent",
  "tracestate",
  "baggage",
  "io.modelcontextprotocol/protocolVersion",
  "io.modelcontextprotocol/clientCapabilities",
  "io.modelcontextprotocol/clientInfo",
  "io.modelcontextprotocol/logLevel",
  "io.modelcontextprotocol/subscriptionId",
  "io.modelcontextprotocol/related-task",
]);

const folded: ReadonlyMap<ReadonlySet<string>, ReadonlySet<string>> = new Map(
  [ENVELOPE, PARAMS, META].map((keys) => [keys, new Set([...keys].map(fold))]),
);

/** Names that every JavaScript object has already; `__proto__` is refused wherever it stands (read-json.ts). */
const INHERITED = new Set(["constructor", "prototype"]);

/**
 * The first key of the envelope, of `params` or of `params._meta` that is a variant of a reserved one, or that objects inherit, with the
 * place it stands in.
 */
export function findLookalike(message: JsonObject): string | undefined {
  const params = member(message, "params");
  const inEnvelope = lookalikeIn(message, ENVELOPE);
  if (inEnvelope !== undefined) return `'${inEnvelope}' in the message`;
  if (!isJsonObject(params)) return undefined;
  const inParams = lookalikeIn(params, PARAMS);
  if (inParams !== undefined) return `'${inParams}' in params`;
  const meta = member(params, "_meta");
  const inMeta = isJsonObject(meta) ? lookalikeIn(meta, META) : undefined;
  return inMeta === undefined ? undefined : `'${inMeta}' in params._meta`;
}

function lookalikeIn(object: JsonObject, reserved: ReadonlySet<string>): string | undefined {
  for (const key of Object.keys(object)) {
    if (INHERITED.has(key) || (!reserved.has(key) && folded.get(reserved)?.has(fold(key))))
      return JSON.stringify(key).slice(1, 65).replace(/"$/, "");
  }
  return undefined;
}

/**
 * What the loosest known reader takes a key for: compatibility forms, case, "ſ" and the Kelvin sign folded; controls, invisible characters
 * and white space gone.
 */
function fold(key: string): string {
  return key
    .normalize("NFKC")
    .toUpperCase()
    .toLowerCase()
    .replace(/[\p{C}\p{Z}]/gu, "");
}
