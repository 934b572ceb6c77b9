export { SHORTENED } from "./arg-values.ts";
export { canonicalize } from "./canonical.ts";
export { argumentsDigest, canonicalDigest, chainEntry, chainHash, entryBytes, recordHash } from "./chain.ts";
export {
  type Checkpoint,
  type CheckpointFields,
  type CheckpointVerdict,
  type PinnedKey,
  parseCheckpoint,
  signCheckpoint,
  verifyCheckpoint,
} from "./checkpoint.ts";
export type { CheckpointProblem, CheckpointReport } from "./checkpoint-match.ts";
export { buildEvent, closeIntent } from "./event.ts";
export { type ExportItem, exportCheckpointLine, exportLine, readExport } from "./export.ts";
export { type EventFields, fitEvent } from "./fit-event.ts";
export { ZERO_HASH } from "./hash.ts";
export { EMPTY_ROOT, leafHash, nodeHash } from "./merkle/node-hash.ts";
export { consistencyProof, inclusionProof, memoryNodes, type NodeReader } from "./merkle/proof.ts";
export { createTree, type NodeId, rootOf, type Tree, type TreeState } from "./merkle/tree.ts";
export {
  type ConsistencyClaim,
  type InclusionClaim,
  verifyConsistency,
  verifyInclusion,
} from "./merkle/verify-proof.ts";
export { type NoteKey, printVerifierKey, readVerifierKey } from "./note.ts";
export { createSalts } from "./salts.ts";
export {
  type BrokenEntry,
  type ChainProblem,
  type ChainReport,
  type LogProblem,
  type VerifyOptions,
  verifyChain,
  verifyExport,
} from "./verify-chain.ts";
