// Which protocol era a request speaks, decided once from header and body together, and the rule that what the headers say is what the
// body says (MCP 2026-07-28, Streamable HTTP, Server Validation). The era never relaxes a check.
import { Buffer, isUtf8 } from "node:buffer";
import type { Headers } from "./headers.ts";
import { isJsonObject, type JsonRpcMessage, member, metaOf, type RequestMessage } from "./message.ts";
import { findMethod } from "./methods.ts";
import { type Refusal, refuse } from "./refusal.ts";

/** Revisions with an `initialize` handshake, newest first, and the stateless ones. */
export const LEGACY_VERSIONS = [
  "2025-11-25",
  "2025-06-18",
  "2025-03-26",
  "2024-11-05",
  "2024-10-07",
] as const;
export const MODERN_VERSIONS = ["2026-07-28"] as const;
/** Read for a request without the header: revisions before 2025-06-18 had none. */
export const VERSION_WITHOUT_HEADER = "2025-03-26";
/** The `_meta` member in which a modern request states its revision. */
export const VERSION_META_KEY = "io.modelcontextprotocol/protocolVersion";

/** The `_meta` member in which a modern request states what its client can do. */
const CAPABILITIES_META_KEY = "io.modelcontextprotocol/clientCapabilities";
/** The extension under which an answer may be a task (SEP-2663). */
export const TASKS_EXTENSION = "io.modelcontextprotocol/tasks";

export type Era = "legacy" | "modern";
export type Agreement = { readonly ok: true; readonly era: Era; readonly version: string } | Refusal;

const SUPPORTED: readonly string[] = [...MODERN_VERSIONS, ...LEGACY_VERSIONS];

/** Checks a POSTed message against its headers. */
export function agreeHeaders(message: JsonRpcMessage, headers: Headers): Agreement {
  const header = headers.get("mcp-protocol-version");
  const claim = claimedVersion(message);
  const idText = message.id?.text;
  if (claim !== undefined && claim !== header) {
    return mismatch(idText, `MCP-Protocol-Version is ${show(header)}, but params._meta says ${show(claim)}`);
  }
  const version = header ?? VERSION_WITHOUT_HEADER;
  if (!SUPPORTED.includes(version)) {
    // Whoever states its revision in each request can go on with a stateless one only; the others begin with a handshake.
    const data = { supported: claim === undefined ? SUPPORTED : MODERN_VERSIONS, requested: version };
    return refuse("unsupported_version", `protocol version ${show(version)} is not supported`, {
      idText,
      data,
    });
  }
  const era = isModern(version) ? "modern" : "legacy";
  if (era === "modern" && message.kind === "request" && claim === undefined) {
    return refuse("invalid_params", `params._meta must hold ${VERSION_META_KEY}`, { idText });
  }
  return mirrorProblem(message, headers, era) ?? { ok: true, era, version };
}

/** The era of a request without a body. */
export function eraOfHeaders(headers: Headers): Era {
  return isModern(headers.get("mcp-protocol-version") ?? VERSION_WITHOUT_HEADER) ? "modern" : "legacy";
}

/** Whether a modern request states that its client knows an extension: what is not stated in a request must not be relied on. */
export function declaresExtension(message: JsonRpcMessage, extension: string): boolean {
  const capabilities = member(metaOf(message) ?? {}, CAPABILITIES_META_KEY);
  const extensions = isJsonObject(capabilities) ? member(capabilities, "extensions") : undefined;
  return isJsonObject(extensions) && Object.hasOwn(extensions, extension);
}

function claimedVersion(message: JsonRpcMessage): string | undefined {
  const meta = metaOf(message);
  const claim = meta && member(meta, VERSION_META_KEY);
  return claim === undefined || typeof claim === "string" ? claim : "";
}

/** Mcp-Method and Mcp-Name: must be there in modern requests, and must be true wherever they are there. */
function mirrorProblem(message: JsonRpcMessage, headers: Headers, era: Era): Refusal | undefined {
  const methodHeader = headers.get("mcp-method");
  const nameHeader = headers.get("mcp-name");
  const idText = message.id?.text;
  if (message.kind === "response") {
    return methodHeader === undefined && nameHeader === undefined
      ? undefined
      : mismatch(idText, "an answer has no method, so Mcp-Method and Mcp-Name must be absent");
  }
  const isRequired = era === "modern" && message.kind === "request";
  if (methodHeader === undefined ? isRequired : methodHeader !== message.method) {
    return mismatch(idText, `Mcp-Method is ${show(methodHeader)}, but the method is ${show(message.method)}`);
  }
  const name = mirroredName(message);
  if (nameHeader === undefined) {
    return isRequired && name !== undefined
      ? mismatch(idText, `Mcp-Name is absent, but the body says ${show(name)}`)
      : undefined;
  }
  const decoded = decodeHeaderValue(nameHeader);
  if (decoded === undefined || decoded !== name) {
    return mismatch(idText, `Mcp-Name is ${show(decoded)}, but the body says ${show(name)}`);
  }
  return undefined;
}

function mirroredName(message: Pick<RequestMessage, "method" | "params">): string | undefined {
  const param = findMethod(message.method)?.nameParam;
  if (param === undefined || message.params === undefined) return undefined;
  const name = member(message.params, param);
  return typeof name === "string" ? name : undefined;
}

/**
 * A header value as the client meant it: plain, or Base64 of UTF-8 between "=?base64?" and "?=" (Value Encoding). Undefined when the
 * Base64 is not canonical or not UTF-8, since two decoders could then disagree.
 */
export function decodeHeaderValue(value: string): string | undefined {
  const encoded = /^=\?base64\?(.*)\?=$/.exec(value)?.[1];
  if (encoded === undefined) return value;
  const bytes = Buffer.from(encoded, "base64");
  return bytes.toString("base64") === encoded && isUtf8(bytes) ? bytes.toString() : undefined;
}

const isModern = (version: string) => (MODERN_VERSIONS as readonly string[]).includes(version);
const show = (value: string | undefined) =>
  value === undefined ? "absent" : JSON.stringify(value.slice(0, 128));
const mismatch = (idText: string | undefined, detail: string) =>
  refuse("header_mismatch", `Header mismatch: ${detail}`, { idText });
