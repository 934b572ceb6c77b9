// Step 2: what is asked for, by its exact name and with its arguments as sent. Nothing is trimmed, folded or completed: a name that differs
// in one character is another tool. What lies beside tools is judged under the method that stands for it, so that the same globs, conditions
// and rules reach it.
import type { JsonObject } from "@postern/contracts";
import { findMethod, isJsonObject, member, RPC_ERROR, toolCallOf } from "@postern/mcp";
import { grow, type Identified, type Parsed, type Refused, refuse } from "../stages.ts";

export interface IdentifyRules {
  /** Methods that Postern does not know and that are judged all the same; "x/*" means every one that begins with "x/". */
  readonly allowMethods: readonly string[];
}

/** A message that asks is a call in request and in notification form alike: an upstream may act on it without answering. */
export function identifyTool(parsed: Parsed, rules: IdentifyRules): Identified | Refused {
  const { door, message, method } = parsed;
  if (door === "tool-call" && (method !== "tools/call" || message?.kind !== "request")) {
    const detail = "this address takes tools/call requests only; everything else of MCP is spoken at /v1/mcp";
    return refuse(parsed, {
      code: RPC_ERROR.method_not_found,
      check: "",
      reasons: [{ code: "message.method", detail }],
    });
  }
  if (message === undefined || message.kind === "response" || !isJudged(method, rules)) {
    return grow(parsed, { kind: "other" });
  }
  if (method !== "tools/call")
    return grow(parsed, { kind: "call", ...subjectOf(method, message.params ?? {}) });
  const call = toolCallOf(message);
  if (call === undefined) {
    const detail = "tools/call needs params.name and, if any, params.arguments as an object";
    return refuse(parsed, {
      status: 400,
      code: RPC_ERROR.invalid_params,
      check: "",
      reasons: [{ code: "message.malformed", detail }],
    });
  }
  return grow(parsed, { kind: "call", tool: call.name, args: call.arguments });
}

function isJudged(method: string, { allowMethods }: IdentifyRules): boolean {
  const known = findMethod(method);
  return known === undefined
    ? allowMethods.some((allowed) => matches(allowed, method))
    : known.rule === "judge";
}

const matches = (allowed: string, method: string) =>
  allowed.endsWith("/*") ? method.startsWith(allowed.slice(0, -1)) : allowed === method;

/** What a method is judged as. To complete an argument of a prompt, or to watch a resource, is to ask for the prompt or the resource. */
function subjectOf(method: string, params: JsonObject): { readonly tool: string; readonly args: JsonObject } {
  const { _meta, ...asked } = params;
  const ref = member(params, "ref");
  if (method === "completion/complete" && isJsonObject(ref)) {
    const { type, ...named } = ref;
    return { tool: type === "ref/resource" ? "resources/read" : "prompts/get", args: { ...asked, ...named } };
  }
  const isWatch = method === "resources/subscribe" || method === "resources/unsubscribe";
  return { tool: isWatch ? "resources/read" : method, args: asked };
}
