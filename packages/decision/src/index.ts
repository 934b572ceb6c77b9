export { callDigest, type DigestedCall } from "./call-digest.ts";
export type { Eventually } from "./eventually.ts";
export { createJudge, type Judge } from "./judge.ts";
export type { JudgePorts, JudgeRules } from "./ports.ts";
export type {
  Allowed,
  CallRequest,
  Decision,
  Denied,
  Escalated,
  Finding,
  Findings,
  ListRequest,
  MessageRequest,
  Standing,
} from "./verdict.ts";
