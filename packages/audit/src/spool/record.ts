// Text of a record's body ↔ value. What goes in is what the control plane is able to take; the spool wrote the text itself under a checksum,
// so anything else in it is corruption.
import { EVENT_BYTES_MAX, type JsonValue, type SpoolBody } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { canonicalize } from "../canonical.ts";
import { shortBodyText } from "../event-text.ts";

/** A record as it was written. */
export interface RecordText {
  readonly sequence: number;
  /** Hexadecimal. */
  readonly hash: string;
  /** JCS(body). */
  readonly bodyJson: string;
}

/** A body's text beyond its event: kind and salt. */
const BODY_BYTES_MAX = EVENT_BYTES_MAX + 512;

/** The canonical text of a body and its length in UTF-8. Faults: invalid `audit.not_canonical`, `audit.record_too_large`. */
export function printBody(body: SpoolBody): { bodyJson: string; bodyBytes: number } {
  const bodyJson = shortBodyText(body) ?? longText(body);
  const bodyBytes = Buffer.byteLength(bodyJson);
  if (bodyBytes > BODY_BYTES_MAX)
    throw new Fault("invalid", "audit.record_too_large", "The record is larger than an event may be.");
  return { bodyJson, bodyBytes };
}

function longText(body: SpoolBody): string {
  const bodyJson = canonicalize(body as JsonValue);
  // Such a key does not survive every JSON reader, so the control plane takes none. Inside a text its quotes would be escaped.
  if (bodyJson.includes('"__proto__":'))
    throw new Fault("invalid", "audit.not_canonical", "The record holds a key named __proto__.");
  return bodyJson;
}

/** Faults: internal `audit.spool_corrupt`. */
export function parseBody(json: string): SpoolBody {
  try {
    return JSON.parse(json) as SpoolBody;
  } catch (caught) {
    throw corrupt("a record's body is not JSON", caught);
  }
}

export function corrupt(detail: string, cause?: unknown): Fault {
  const message = "The spool is damaged; the next start sets the damaged part aside.";
  return new Fault("internal", "audit.spool_corrupt", message, { detail, cause });
}
