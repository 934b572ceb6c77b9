// What a batch must be to be taken in, and how far a spool has been. Identity is (sidecar, epoch, sequence); each record's hash commits to all
// before it, so comparing one hash at one place tells whether two histories are the same up to there.
import { recordHash, ZERO_HASH } from "@postern/audit";
import type { AuditBatch, CallOutcome, SpoolBody } from "@postern/contracts";
import { Fault } from "@postern/fault";
import type { NewEvent } from "../audit/model.ts";

export interface SidecarKey {
  readonly tenant: string;
  readonly id: string;
}

/** How far one boot of a sidecar has been taken in. */
export interface SpoolStream {
  readonly epoch: number;
  readonly received: number;
  readonly receivedHash: string;
  readonly covered: number;
}

export const EMPTY_STREAM = { received: 0, receivedHash: ZERO_HASH, covered: 0 };

/** A call of which one half is known. The body is the intent's event and salt, or the outcome. */
export type OpenCall = { readonly eventId: string; readonly epoch: number; readonly sequence: number } & (
  | { readonly half: "intent"; readonly body: NewEvent }
  | { readonly half: "outcome"; readonly body: CallOutcome }
);

/**
 * Checks what the hashes say of a batch: order without holes, and each hash that of its record. What the records say is not looked at.
 * @throws Fault invalid "audit.record".
 */
export function assertSound(batch: AuditBatch): void {
  const first = batch.records[0]?.sequence ?? 1;
  let previous = batch.previous_hash;
  for (const [at, { sequence, hash, body }] of batch.records.entries()) {
    if (sequence !== first + at) throw unsound(at, `the sequence should be ${first + at}`);
    // Any body that has a canonical form has a hash, whether or not it is one that is known.
    if (recordHash(sequence, previous, body as SpoolBody) !== hash)
      throw unsound(at, "the hash is not that of the record");
    previous = hash;
  }
}

function unsound(at: number, problem: string): Fault {
  return new Fault("invalid", "audit.record", `body.records[${at}]: ${problem}`);
}

/** Whether the batch begins beyond what was received and says itself that its sidecar has nothing in between. */
export function passesLoss({ records, missing }: AuditBatch, expectedSequence: number): boolean {
  const first = records[0]?.sequence ?? 1;
  return (
    missing !== undefined &&
    first > expectedSequence &&
    missing.from <= expectedSequence &&
    missing.to === first - 1
  );
}

/** Hash that the batch gives to a sequence of its own, or to the one before its first. */
export function batchHashAt(batch: AuditBatch, sequence: number): string {
  const first = batch.records[0]?.sequence ?? 1;
  return sequence === first - 1 ? batch.previous_hash : (batch.records[sequence - first]?.hash ?? "");
}
