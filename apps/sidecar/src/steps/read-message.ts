// Step 1: the one reading of a request (P1). The body is parsed once and strictly; whatever two parsers could read differently, in the body
// or between body and headers, is refused here, before anybody asks who sent it.
import {
  agreeHeaders,
  decodeHeaderValue,
  eraOfHeaders,
  type Refusal,
  readMessage as readStrictly,
} from "@postern/mcp";
import { grow, type Parsed, type Received, type Refused, refuse } from "../stages.ts";

export interface ReadRules {
  readonly bodyBytesMax: number;
}

export function readMessage(received: Received, { bodyBytesMax }: ReadRules): Parsed | Refused {
  if (received.verb !== "POST") return parsed(received, undefined, eraOfHeaders(received.headers));
  const read = readStrictly(received.body, { bytesMax: bodyBytesMax });
  if (!read.ok) return malformed(read);
  const agreement = agreeHeaders(read.message, received.headers);
  return agreement.ok ? parsed(received, read.message, agreement.era) : malformed(agreement);
}

/** A refusal by the reader of bodies or headers. */
export function malformed({ httpStatus, code, detail, idText, data }: Refusal): Refused {
  const reasons = [{ code: "message.malformed", detail }] as const;
  return refuse(undefined, {
    status: httpStatus,
    code,
    idText,
    check: "",
    reasons,
    ...(data !== undefined && { data }),
  });
}

function parsed(received: Received, message: Parsed["message"], era: Parsed["era"]): Parsed {
  const { headers } = received;
  const prompt = headers.get("x-intent-prompt");
  return grow(received, {
    message,
    era,
    method: message === undefined || message.kind === "response" ? "" : message.method,
    token: bearerToken(headers.get("authorization")),
    sessionId: headers.get("mcp-session-id") ?? "",
    // A header carries Latin-1 only, so any other text comes as `=?base64?<base64 of UTF-8>?=`. What cannot be decoded is an empty
    // prompt, which the intent check refuses.
    intentPrompt: prompt === undefined ? undefined : (decodeHeaderValue(prompt) ?? ""),
    memoryProvenance: headers.get("x-intent-memory-provenance"),
  });
}

/** The token of "Authorization: Bearer …" (RFC 6750 §2.1), whose scheme is matched without regard to case. No other place is looked at. */
export function bearerToken(authorization = ""): string | undefined {
  return /^bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(authorization)?.[1];
}
