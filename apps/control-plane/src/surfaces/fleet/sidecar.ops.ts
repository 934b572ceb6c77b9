// What sidecars ask for: an epoch, the stream of signed state, bundles, a place for their audit records, slices of budgets.
import {
  AuditBatch,
  AuditBatchReply,
  LeaseReply,
  LeaseRequest,
  LeaseReturn,
  RECORD_DEPTH_MAX,
  RegisterReply,
  RegisterRequest,
  readStateCursor,
  Sha256Hex,
} from "@postern/contracts";
import { Fault } from "@postern/fault";
import { answer, bytes, type ServerSentEvent, sse } from "@postern/surface";
import { z } from "zod";
import type { FeedEvent } from "../../domain/states/feed.ts";
import { FailureBody } from "../failure.ts";
import { operation } from "./context.ts";
import { memoryRows } from "./memory.ops.ts";
import type { SidecarPrincipal } from "./principal.ts";
import { rolloutReportRows } from "./rollouts.ops.ts";
import { toolReportRows } from "./tools.ops.ts";

const base = "/v1/sidecar";
const row = { permission: "sidecar", audit: "none" } as const;

const register = operation({
  id: "fleet_register",
  method: "POST",
  path: `${base}/register`,
  summary: "Begin a boot: grants a new, higher epoch",
  ...row,
  audit: "admin/register_sidecar",
  status: 200,
  body: RegisterRequest,
  example: { body: { version: "0.1.0", hostname: "payments-1" } },
  links: [{ to: "fleet_lease", body: { epoch: "epoch" } }],
  reply: RegisterReply,
  run: async ({ body }, { sidecars, sidecar, work }) => {
    const boot = { version: body.version, hostname: body.hostname ?? "" };
    const epoch = await work.commit((unit) => sidecars.register(unit, sidecar, boot));
    return { sidecar_id: sidecar.id, tenant: sidecar.tenant, epoch };
  },
});

const states = sse();

const sync = operation({
  id: "fleet_sync",
  method: "GET",
  path: `${base}/sync`,
  summary: "Follow the signed control state",
  description:
    "Events named `state`; `data` is a sealed document, `id` what the reader holds after it, a version for each noun. " +
    "First keys, policy, halts and upstreams, then revocations, pins and approvals after those of `Last-Event-ID`, then a heartbeat each second and changes at once.",
  ...row,
  status: 200,
  replies: { 429: "This sidecar has too many open streams." },
  reply: states,
  run: ({ request }, { feed, streams, sidecar, isWelcome }) => {
    const heard = readStateCursor(request.headers.get("last-event-id") ?? "");
    const events = feed.follow({ tenant: sidecar.tenant, heard, signal: request.signal, isWelcome });
    return states.of(asEvents(streams.counted(sidecar.id, events)));
  },
});

const bundleBytes = bytes("application/octet-stream");

const bundle = operation({
  id: "fleet_bundle",
  method: "GET",
  path: `${base}/bundles/{digest}`,
  summary: "Fetch a signed policy bundle by its digest",
  ...row,
  status: 200,
  params: z.strictObject({ digest: Sha256Hex }),
  example: { params: { digest: "0000000000000000000000000000000000000000000000000000000000000000" } },
  reply: bundleBytes,
  run: async ({ params }, { policies, sidecar, work }) => {
    const found = await work.read((executor) => policies.bundle(executor, sidecar.tenant, params.digest));
    return bundleBytes.of([found]);
  },
});

/** A batch of a thousand records of the largest size fits. */
const BATCH_BYTES_MAX = 40 * 1_048_576;
/** Whatever has a canonical form fits: a record's body lies in its record, the list and the batch. */
const BATCH_DEPTH_MAX = RECORD_DEPTH_MAX + 3;

const RefusedBatch = FailureBody.extend({
  expected_sequence: z.int().min(1).describe("Sequence that the next record of this epoch must have."),
});

const audit = operation({
  id: "fleet_audit",
  method: "POST",
  path: `${base}/audit`,
  summary: "Hand over audit records",
  description:
    "Identity is (sidecar, epoch, sequence): what was taken in before is acknowledged again and changes nothing. " +
    "No content is refused: what is wrong with a record that has its hash is told in the chain.",
  ...row,
  status: 200,
  replies: {
    409: {
      description: "Records are missing before these, or they contradict earlier ones.",
      body: z.union([RefusedBatch, FailureBody]),
    },
  },
  bodyBytesMax: BATCH_BYTES_MAX,
  bodyDepthMax: BATCH_DEPTH_MAX,
  // Evidence is taken as it was written: what an agent put into a call must not keep its record out of the log.
  takesAnyText: true,
  body: AuditBatch,
  example: {
    body: {
      epoch: 1,
      previous_hash: "0".repeat(64),
      records: [
        {
          sequence: 1,
          hash: "f2197e108597781d8a9fe09f408b26c232d2f5cd614b5ef0a102f9b653ed7546",
          body: { kind: "lost_end", epoch: 1, from: 12 },
        },
      ],
    },
  },
  reply: z.union([AuditBatchReply, RefusedBatch]),
  run: async ({ body }, { intake, sidecar, work, metrics }) => {
    const taken = await intake.take(work, sidecar, body);
    if (taken.ok) {
      metrics.increment("auditIngested", {}, taken.recordsTaken);
      metrics.increment("auditAppended", {}, taken.eventsAppended);
      return { acknowledgements: taken.acknowledgements };
    }
    if (taken.problem === "fork") metrics.increment("auditForks", {});
    const { expectedSequence } = taken;
    const error =
      taken.problem === "gap"
        ? `Records are missing: sequence ${expectedSequence} is expected.`
        : "A record contradicts the one that was taken in under the same sequence.";
    return answer(
      { error, code: `audit.${taken.problem}`, expected_sequence: expectedSequence },
      { status: 409 },
    );
  },
});

const lease = operation({
  id: "fleet_lease",
  method: "POST",
  path: `${base}/leases`,
  summary: "Take a slice of a budget account",
  ...row,
  status: 200,
  description:
    "Of a token that was issued here the limit is the one it was issued with, whatever the request says; of a block that was appended " +
    "offline it is the one that the account was first used with.",
  replies: {
    404: "No token of this account was issued, or it has no such budget.",
    409: "The epoch was not granted to this sidecar.",
    412: "The rate asked for is of another minute.",
    503: "The ledger did not answer.",
  },
  body: LeaseRequest,
  example: { body: { epoch: 1, account: "calls:01HXYZ", limit: 100, want: 10 } },
  links: [{ to: "fleet_lease_return", body: { lease_id: "lease_id" } }],
  reply: LeaseReply,
  run: async ({ body }, { budgets, capabilities, sidecar, work }) => {
    assertGranted(sidecar, body.epoch);
    const { account, want } = body;
    const limit = await work.read((db) => capabilities.limitOf(db, sidecar.tenant, body));
    const holder = sidecar.id;
    const asked = { account, limit, want, holder };
    const { leaseId, granted, ttlMs, remaining } = await budgets.lease(sidecar.tenant, asked);
    return { lease_id: leaseId, granted, ttl_ms: ttlMs, remaining };
  },
});

const giveBack = operation({
  id: "fleet_lease_return",
  method: "POST",
  path: `${base}/leases/return`,
  summary: "Give back what was not spent of a slice",
  ...row,
  status: 204,
  replies: { 503: "The ledger did not answer." },
  body: LeaseReturn,
  example: { body: { lease_id: "01HXYZ", unspent: 4 } },
  run: ({ body }, { budgets, sidecar }) =>
    budgets.giveBack(sidecar.tenant, {
      leaseId: body.lease_id,
      unspent: body.unspent,
      holder: sidecar.id,
    }),
});

// Several processes may run under one credential, each with an epoch of its own; an epoch that was never granted is nobody's.
function assertGranted(sidecar: SidecarPrincipal, epoch: number): void {
  if (epoch <= sidecar.epoch) return;
  throw new Fault("conflict", "sidecars.epoch", `The epoch ${epoch} was not granted to this sidecar.`);
}

async function* asEvents(events: AsyncGenerator<FeedEvent, void>): AsyncGenerator<ServerSentEvent, void> {
  for await (const { id, sealed } of events) yield { event: "state", id, data: sealed };
}

export const fleetRows = [
  register,
  sync,
  bundle,
  audit,
  lease,
  giveBack,
  ...toolReportRows,
  ...rolloutReportRows,
  ...memoryRows,
];
