export { type Cursor, decodeCursor, encodeCursor, filterHash } from "./cursor.ts";
export {
  type Door,
  type DoorCall,
  type Failure,
  failureStatus,
  type Outcome,
  type Surface,
} from "./door.ts";
export { type MountOptions, mount } from "./mount.ts";
export { type DocumentedSurface, type OpenApiOptions, openapi } from "./openapi.ts";
export {
  type Answer,
  answer,
  type Call,
  METHODS,
  type Method,
  type Operation,
  type OperationInfo,
  type OperationSpec,
  operationsFor,
  type ReplyKind,
  type ReplyOf,
  type RequestInfo,
} from "./operation.ts";
export { pageOf, pageQuery } from "./page.ts";
export { flag, wholeNumber } from "./query-field.ts";
export { BODY_BYTES_MAX } from "./request-body.ts";
export {
  bytes,
  csv,
  ndjson,
  type ServerSentEvent,
  type Streamed,
  type StreamKind,
  type StreamShape,
  sse,
} from "./stream.ts";
