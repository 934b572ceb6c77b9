// The request that carries records to the chain, put together from texts as they stand in the spool: what was hashed is what travels, and
// neither side of the spool parses or prints it again.
import type { AuditBatch } from "@postern/contracts";
import type { RecordText } from "./record.ts";
import type { SpoolBatch } from "./spool.ts";

/** JSON of an `AuditBatch`. `missing`: sequences before the first record that the spool holds no longer. */
export function auditBatchJson(
  { epoch, previousHash, records }: SpoolBatch<RecordText>,
  missing?: AuditBatch["missing"],
): string {
  const gap = missing === undefined ? "" : `"missing":{"from":${missing.from},"to":${missing.to}},`;
  let texts = "";
  for (const { sequence, hash, bodyJson } of records) {
    texts += `${texts === "" ? "" : ","}{"body":${bodyJson},"hash":"${hash}","sequence":${sequence}}`;
  }
  return `{"epoch":${epoch},${gap}"previous_hash":"${previousHash}","records":[${texts}]}`;
}
