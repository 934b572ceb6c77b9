export type { AuditQuery, DraftRequest, MintRequest, TrustRequest, UpstreamRequest } from "./admin-client.ts";
export { type AdminClient, type AdminClientOptions, createAdminClient } from "./admin-client.ts";
export type { Elevation, ElevationRequest } from "./admin-elevations.ts";
export type {
  ActivePolicy,
  AddedSidecar,
  AuditVerification,
  Draft,
  Halt,
  Issuer,
  IssuerExplanation,
  ManagedKey,
  Me,
  Minted,
  Operator,
  Revocation,
  Tenant,
  Tool,
  ToolDetail,
  Upstream,
} from "./admin-replies.ts";
export {
  type Activation,
  type CountedRollout,
  isProposal,
  type Proposal,
  type ProposalDecision,
  type Rollout,
  type RolloutChange,
  type RolloutRequest,
} from "./admin-rollouts.ts";
export type {
  Integration,
  Webhook,
  WebhookChange,
  WebhookDelivery,
  WebhookRequest,
} from "./admin-webhooks.ts";
export {
  type AgentClient,
  type AgentClientOptions,
  type CallOptions,
  createAgentClient,
  type Denial,
  type RpcError,
  type ToolCallAnswer,
} from "./agent-client.ts";
export type { DryRun, DryRunDecision, DryRunRequest } from "./dry-run.ts";
export type { ConnectionOptions } from "./exchange.ts";
export { createSidecarClient, type SidecarClient, type SidecarClientOptions } from "./sidecar-client.ts";
