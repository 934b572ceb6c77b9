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
export { AgentId, Identifier, KeyId, PublicKeyText, Sha256Hex, TenantId, Timestamp } from "./ids.ts";
export { ExtractRequest, ExtractResponse, INTENT_PROMPT_CHARS_MAX, Intent } from "./intent.ts";
export type { JsonObject, JsonValue } from "./json.ts";
export {
  BundleFile,
  BundleManifest,
  PiiFilter,
  POLICY_ENTRYPOINT,
  POLICY_PACKAGE,
  PolicyDecision,
  type PolicyInput,
  PolicyPointer,
} from "./policy.ts";
export { CHECKS, type Check, ERROR_CODE, REASONS, type Reason, type ReasonCode, reason } from "./reasons.ts";
export {
  KeyStatus,
  KeyUse,
  LeaseReply,
  LeaseRequest,
  LeaseReturn,
  PublishedKey,
  RegisterReply,
  RegisterRequest,
  SidecarState,
} from "./sync.ts";
