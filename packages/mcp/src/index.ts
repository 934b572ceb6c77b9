export { errorResponse, type RpcError, refusalResponse, resultResponse } from "./answers.ts";
export {
  type Agreement,
  agreeHeaders,
  declaresExtension,
  decodeHeaderValue,
  type Era,
  eraOfHeaders,
  LEGACY_VERSIONS,
  MODERN_VERSIONS,
  TASKS_EXTENSION,
  VERSION_META_KEY,
  VERSION_WITHOUT_HEADER,
} from "./eras.ts";
export { type HeaderRules, type Headers, type HeadersResult, isForeignPage, readHeaders } from "./headers.ts";
export { filterLists, holdsList, type ListEntry, type ListKind, type ListRules } from "./lists.ts";
export {
  isJsonObject,
  type JsonRpcMessage,
  type MessageId,
  member,
  metaOf,
  type NotificationMessage,
  progressTokenOf,
  type RequestMessage,
  type ResponseMessage,
  type ToolCall,
  toolCallOf,
} from "./message.ts";
export {
  findMethod,
  METHOD_KINDS,
  METHOD_NAMES,
  type Method,
  type MethodKind,
  type MethodRule,
} from "./methods.ts";
export {
  DEPTH_MAX,
  type ReadLimits,
  type ReadResult,
  readMessage,
  readServerMessage,
} from "./read-message.ts";
export { type Refusal, RPC_ERROR } from "./refusal.ts";
export { spliceId } from "./splice.ts";
export {
  createSseDecoder,
  encodeSseEvent,
  replaceSseData,
  type SseDecoder,
  type SseEvent,
  type SseFields,
} from "./sse.ts";
