// JSON-RPC answers that Postern itself authors. The id goes in as the JSON text it came in, so that it is echoed byte for byte.
import type { JsonValue } from "@postern/contracts";
import type { Refusal } from "./refusal.ts";

export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: JsonValue;
}

/** `idText` is the id as JSON text; undefined when it could not be read, which JSON-RPC writes as null. */
export function errorResponse(idText: string | undefined, error: RpcError): string {
  return `{"jsonrpc":"2.0","id":${idText ?? "null"},"error":${JSON.stringify(error)}}`;
}

/** `result` is whatever the method promises. */
export function resultResponse(idText: string, result: JsonValue): string {
  return `{"jsonrpc":"2.0","id":${idText},"result":${JSON.stringify(result)}}`;
}

/** The body that goes with a refusal's HTTP status. */
export function refusalResponse({ idText, code, detail, data }: Refusal): string {
  return errorResponse(idText, { code, message: detail, ...(data !== undefined && { data }) });
}
