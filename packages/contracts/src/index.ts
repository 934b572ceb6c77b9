export {
  ApprovalClaim,
  ApprovalRequest,
  ApprovalStatus,
  ApprovalTicket,
  DECISIONS_PER_STATE,
  PARKED_ARGUMENTS_BYTES_MAX,
} from "./approvals.ts";
export {
  Acknowledgement,
  ARG_VALUES_DEPTH_MAX,
  AuditBatch,
  AuditBatchReply,
  AuditEvent,
  CallOutcome,
  ChainEntry,
  EVENT_BYTES_MAX,
  RECORD_DEPTH_MAX,
  SCHEMA_VERSION,
  SpoolBody,
  SpoolRecord,
} from "./audit.ts";
export {
  ArgumentPredicate,
  CAVEATS_MAX,
  type Capability,
  Caveat,
  type CaveatType,
  HOPS_MAX,
  type Hop,
  HopClaims,
  RootClaims,
  TOKEN_BYTES_MAX,
  ToolGlob,
} from "./capability.ts";
export { FAULT_KINDS, type FaultKind } from "./faults.ts";
export { HALTS_MAX, Halt, HaltScope } from "./halts.ts";
export { AgentId, Identifier, KeyId, PublicKeyText, Sha256Hex, TenantId, Timestamp } from "./ids.ts";
export { ExtractRequest, ExtractResponse, INTENT_PROMPT_CHARS_MAX, Intent } from "./intent.ts";
export type { JsonObject, JsonValue } from "./json.ts";
export {
  ACCESS_TOKEN_CHARS_MAX,
  AccessTokenAlgorithm,
  AgentTemplate,
  ClaimMatch,
  ExchangeReply,
  ExchangeRequest,
  ExchangeRule,
  ISSUER_SKEW_MS,
  ISSUERS_MAX,
  IssuerTrust,
  IssuerUrl,
  isLoopbackHost,
  KeySetUrl,
  LoginReply,
  LoginState,
  ResourceUrl,
} from "./oauth.ts";
export {
  BundleFile,
  BundleManifest,
  PiiFilter,
  POLICY_ENTRYPOINT,
  POLICY_PACKAGE,
  PolicyDecision,
  type PolicyInput,
  PolicyPointer,
  PolicyRollout,
} from "./policy.ts";
export { CHECKS, type Check, ERROR_CODE, REASONS, type Reason, type ReasonCode, reason } from "./reasons.ts";
export {
  KeyStatus,
  KeyUse,
  LeaseReply,
  LeaseRequest,
  LeaseReturn,
  NO_VERSIONS,
  PublishedKey,
  RegisterReply,
  RegisterRequest,
  readStateCursor,
  SidecarState,
  STATE_NOUNS,
  type StateNoun,
  StateVersions,
  stateCursor,
} from "./sync.ts";
export {
  DEFINITION_BYTES_MAX,
  DEFINITION_DEPTH_MAX,
  flagsOf,
  isHiding,
  isPinnable,
  isSuspicious,
  PINNED_DEFINITIONS_MAX,
  PINS_PER_STATE,
  PinMode,
  PinReason,
  pinnedPartOf,
  ToolFlag,
  ToolName,
  ToolPin,
  ToolReport,
  ToolReportReply,
  ToolSighting,
  ToolStatus,
  UpstreamName,
} from "./tools.ts";
export { RegisteredUpstream, SecretReference, UPSTREAMS_MAX, UpstreamAuth } from "./upstreams.ts";
