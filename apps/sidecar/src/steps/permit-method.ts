// Step 4 for everything that asks for nothing by itself: whether its method may pass. What is not understood is not forwarded, so a method of
// a later revision never slips through unjudged, and what concerns a task passes for whoever began it, as long as its tool is open to them.
import { ERROR_CODE, reason } from "@postern/contracts";
import type { Judge } from "@postern/decision";
import {
  declaresExtension,
  findMethod,
  isJsonObject,
  type JsonRpcMessage,
  member,
  RPC_ERROR,
  TASKS_EXTENSION,
} from "@postern/mcp";
import type { Handle, Handles } from "../handles.ts";
import { rootOf } from "../sessions.ts";
import {
  type Authenticated,
  grow,
  type IdentifiedOther,
  type Permitted,
  type Placed,
  type Refused,
  refuse,
} from "../stages.ts";

type Stage = Placed<Authenticated<IdentifiedOther>>;

export interface PermitPorts {
  readonly judge: Pick<Judge, "visible">;
  readonly handles: Pick<Handles, "find">;
}

export async function permitMethod(stage: Stage, ports: PermitPorts): Promise<Permitted | Refused> {
  const { message, method, sessionId } = stage;
  // A stream to be heard on, its end, and an answer to a tool server's question mean something within a session only. A session that is
  // named here is the caller's own: authentication has asked. One that is not named cannot be, so nothing of the kind goes through.
  const needsSession = message === undefined || message.kind === "response";
  if (needsSession && sessionId === "") return message === undefined ? denyStream(stage) : denyAnswer(stage);
  const rule = findMethod(method)?.rule;
  if (needsSession || rule === "pass" || rule === "filter") return grow(stage, { task: undefined });
  // A task of one era is none of the other: what asks for its result there is as unknown as any other method.
  if (rule !== "bound" || findMethod(method, stage.era) === undefined) return unknownMethod(stage);
  if (stage.era === "modern" && !declaresExtension(message, TASKS_EXTENSION)) return missingExtension(stage);
  const task = await ownTask(stage, message, ports);
  return task === undefined ? unknownTask(stage) : grow(stage, { task });
}

async function ownTask(
  stage: Stage,
  message: JsonRpcMessage,
  { judge, handles }: PermitPorts,
): Promise<Handle | undefined> {
  const params = message.kind === "response" ? undefined : message.params;
  const taskId = isJsonObject(params) ? member(params, "taskId") : undefined;
  const task = typeof taskId === "string" ? handles.find("task", stage.upstream, taskId) : undefined;
  if (task?.owner !== rootOf(stage.capability)) return undefined;
  return (await judge.visible({ ...stage, tool: task.tool, method: "tools/call" })) ? task : undefined;
}

/** Streamable HTTP, Listening for Messages: 405 says that there is no such stream here. */
const denyStream = (stage: Stage): Refused =>
  refuse(stage, {
    status: 405,
    code: RPC_ERROR.invalid_request,
    check: "",
    reasons: [{ code: "session.unknown", detail: "GET and DELETE need the session that they belong to." }],
    findings: { capability: stage.capability },
  });

const denyAnswer = (stage: Stage): Refused =>
  refuse(stage, {
    code: ERROR_CODE.policy,
    check: "policy",
    reasons: [reason("policy.denied", "An answer to the tool server needs the session it belongs to.")],
    findings: { capability: stage.capability },
  });

/** MCP 2026-07-28, Streamable HTTP: an unknown method is 404; earlier revisions know the error alone. */
const unknownMethod = (stage: Stage): Refused =>
  refuse(stage, {
    status: stage.era === "modern" ? 404 : 200,
    code: RPC_ERROR.method_not_found,
    check: "policy",
    reasons: [reason("policy.denied", `The method ${stage.method} is not known here, so it does not pass.`)],
    findings: { capability: stage.capability },
  });

/** Somebody else's task is answered as one that does not exist. */
const unknownTask = (stage: Stage): Refused =>
  refuse(stage, {
    code: RPC_ERROR.invalid_params,
    check: "capability",
    reasons: [reason("capability.task")],
    findings: { capability: stage.capability },
  });

/** SEP-2663, Required Capabilities: whoever does not say that it knows tasks has none to ask for. */
const missingExtension = (stage: Stage): Refused =>
  refuse(stage, {
    status: 400,
    code: RPC_ERROR.missing_capability,
    check: "",
    reasons: [{ code: "message.method", detail: `Missing required client capability: ${TASKS_EXTENSION}` }],
    findings: { capability: stage.capability },
    data: { requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } } },
  });
