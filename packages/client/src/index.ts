export type { BodyOf, InputOf, OperationId, QueryOf, ReplyOf } from "./admin-call.ts";
export {
  type AdminClient,
  type AdminClientOptions,
  createAdminClient,
  isProposal,
} from "./admin-client.ts";
export type {
  CountedRollout,
  DryRun,
  DryRunDecision,
  Halt,
  Issuer,
  Operator,
  Proposal,
  RolloutChange,
  Tool,
  ToolDetail,
  Upstream,
  UpstreamRequest,
} from "./admin-replies.ts";
export {
  type AgentClient,
  type AgentClientOptions,
  type CallOptions,
  createAgentClient,
  type Denial,
  type RpcError,
  type ToolCallAnswer,
} from "./agent-client.ts";
export type { ConnectionOptions } from "./exchange.ts";
export { createSidecarClient, type SidecarClient, type SidecarClientOptions } from "./sidecar-client.ts";
