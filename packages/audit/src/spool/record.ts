// Text of a record's body ↔ value. The spool wrote the text itself under a checksum, so anything else in it is corruption.
import type { SpoolBody } from "@postern/contracts";
import { Fault } from "@postern/fault";

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
