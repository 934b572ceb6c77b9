export type { AuditQuery, DraftRequest, MintRequest, TrustRequest } from "./admin-client.ts";
export { type AdminClient, type AdminClientOptions, createAdminClient } from "./admin-client.ts";
export type {
  ActivePolicy,
  AddedSidecar,
  AuditVerification,
  Draft,
  Issuer,
  IssuerExplanation,
  ManagedKey,
  Minted,
  Revocation,
  Tenant,
  Tool,
  ToolDetail,
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
