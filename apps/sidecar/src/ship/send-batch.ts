// One exchange with the chain: hands over a batch and believes of the answer only what is signed with the log key, for this sidecar, about
// the very records that it holds. Only such an acknowledgement frees a segment (P6).
import { auditBatchJson, type RecordText, type Spool, type SpoolBatch } from "@postern/audit/spool";
import { Acknowledgement, type AuditBatch } from "@postern/contracts";
import { type Clock, Fault } from "@postern/fault";
import { type KeySet, open } from "@postern/signing";
import type { ControlPlane } from "../control-plane.ts";

export interface SendPorts {
  readonly sidecarId: string;
  readonly spool: Pick<Spool, "acknowledge">;
  readonly controlPlane: Pick<ControlPlane, "sendAudit">;
  readonly keys: () => KeySet;
  readonly clock: Clock;
}

/** Sequences of a batch's epoch that the spool holds no longer. */
export type Missing = NonNullable<AuditBatch["missing"]>;

/** The highest sequence of the batch's epoch that was received. Faults: what sending and opening throw; conflict "audit.fork". */
export async function sendBatch(
  ports: SendPorts,
  batch: SpoolBatch<RecordText>,
  missing: Missing | undefined,
): Promise<number> {
  const { epoch, records } = batch;
  const reply = await ports.controlPlane.sendAudit(auditBatchJson(batch, missing));
  let received: number | undefined;
  for (const sealed of reply.acknowledgements) {
    const acknowledged = await openAcknowledgement(ports, sealed);
    if (acknowledged.epoch === epoch) {
      const ours = records.find(({ sequence }) => sequence === acknowledged.received);
      if (ours !== undefined && ours.hash !== acknowledged.received_hash) throw fork();
      received = acknowledged.received;
    }
    await ports.spool.acknowledge({ epoch: acknowledged.epoch, covered: acknowledged.covered });
  }
  if (received !== undefined) return received;
  throw new Fault("upstream", "audit.unacknowledged", "The control plane did not acknowledge the records.");
}

async function openAcknowledgement(ports: SendPorts, sealed: string): Promise<Acknowledgement> {
  const { document } = await open(sealed, {
    keys: ports.keys(),
    use: "log",
    purpose: "acknowledgement",
    nowMs: ports.clock.nowMs(),
  });
  const parsed = Acknowledgement.safeParse(document);
  if (!parsed.success)
    throw new Fault("upstream", "audit.acknowledgement", "An acknowledgement has an unknown shape.");
  if (parsed.data.sidecar_id !== ports.sidecarId) {
    throw new Fault("upstream", "audit.acknowledgement", "An acknowledgement is for another sidecar.");
  }
  return parsed.data;
}

const fork = () =>
  new Fault("conflict", "audit.fork", "The control plane holds another record under the same number.");
