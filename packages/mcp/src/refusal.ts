// Why a message is not taken, as a value: what the edge answers, and nothing else.
import type { JsonValue } from "@postern/contracts";

/** JSON-RPC and MCP error codes that Postern emits besides its own denials (contracts, ERROR_CODE). */
export const RPC_ERROR = {
  parse: -32700,
  invalid_request: -32600,
  method_not_found: -32601,
  invalid_params: -32602,
  internal: -32603,
  /** MCP 2026-07-28, Streamable HTTP, Server Validation. */
  header_mismatch: -32020,
  /** MCP 2026-07-28, MissingRequiredClientCapabilityError. */
  missing_capability: -32021,
  /** MCP 2026-07-28, UnsupportedProtocolVersionError. */
  unsupported_version: -32022,
} as const;

export interface Refusal {
  readonly ok: false;
  readonly httpStatus: number;
  /** JSON-RPC error code. */
  readonly code: number;
  /** Safe to show. */
  readonly detail: string;
  /** The message's id as JSON text, where it was read beyond doubt. */
  readonly idText: string | undefined;
  /** `data` of the JSON-RPC error, where the specification asks for one. */
  readonly data?: JsonValue;
}

interface RefusalOptions {
  /** Default 400. */
  readonly httpStatus?: number;
  readonly idText?: string | undefined;
  readonly data?: JsonValue;
}

export function refuse(error: keyof typeof RPC_ERROR, detail: string, options: RefusalOptions = {}): Refusal {
  const { httpStatus = 400, idText, data } = options;
  return {
    ok: false,
    httpStatus,
    code: RPC_ERROR[error],
    detail,
    idText,
    ...(data !== undefined && { data }),
  };
}
