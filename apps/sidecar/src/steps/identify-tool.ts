// Step 2: which tool is asked for, by its exact name and with its arguments as sent. Nothing is trimmed, folded or completed: a name that
// differs in one character is another tool.
import { RPC_ERROR, toolCallOf } from "@postern/mcp";
import { type Identified, type Parsed, type Refused, refuse } from "../stages.ts";

/** A `tools/call` is a call in request and in notification form alike: an upstream may run it without answering. */
export function identifyTool(parsed: Parsed): Identified | Refused {
  const { door, message, method } = parsed;
  if (door === "tool-call" && (method !== "tools/call" || message?.kind !== "request")) {
    const detail = "this address takes tools/call requests only; everything else of MCP is spoken at /v1/mcp";
    return refuse(parsed, {
      code: RPC_ERROR.method_not_found,
      check: "",
      reasons: [{ code: "message.method", detail }],
    });
  }
  if (method !== "tools/call" || message === undefined) return { ...parsed, kind: "other" };
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
  return { ...parsed, kind: "call", tool: call.name, args: call.arguments };
}
