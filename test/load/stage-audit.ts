// What a record costs: what its call waits for, and what is done for many of them together when they are written.
import { join } from "node:path";
import { buildEvent, canonicalize } from "@postern/audit";
import { openSpool, type Spool } from "@postern/audit/spool";
import type { AuditEvent, Capability, JsonValue } from "@postern/contracts";
import { randomId } from "@postern/fault";
import { HOLDER, type OwnTime, SALT, type Stage, type StageParts, TENANT } from "./stage.ts";
import { callOf } from "./workload.ts";

const AT_ONCE = 64;

export async function auditStages(folder: string, capability: Capability): Promise<StageParts> {
  const open = (durability: "os" | "disk") =>
    openSpool({
      directory: join(folder, durability),
      sidecarId: "bench",
      epoch: 1,
      durability,
      bytesMax: 2 ** 40,
    });
  const [os, disk] = await Promise.all([open("os"), open("disk")]);
  const appending = (title: string, run: () => unknown): Stage => ({
    stage: "audit",
    title: `${title}, ${AT_ONCE} at once`,
    run,
    callsPerRun: AT_ONCE,
  });
  const event = () => eventOf(capability);
  return {
    stages: [
      { stage: "audit", title: "build an event", run: event },
      {
        stage: "audit",
        title: "build an event and canonicalize it",
        run: () => canonicalize(event() as JsonValue),
      },
      appending("append, on the request", async () => (await append(os, event)).onRequest),
      appending("append, in the flush, os", async () => (await append(os, event)).inFlush),
      appending("append, in the flush, disk", async () => (await append(disk, event)).inFlush),
      {
        stage: "audit",
        title: "append one and wait for it, disk",
        run: () => disk.append(() => ({ kind: "event", event: event(), args_salt: SALT })),
      },
    ],
    async close() {
      await Promise.all([os.close(), disk.close()]);
    },
  };
}

async function append(
  spool: Spool,
  event: () => AuditEvent,
): Promise<Record<"onRequest" | "inFlush", OwnTime>> {
  const startedMs = performance.now();
  const appended = Array.from({ length: AT_ONCE }, () =>
    spool.append(() => ({ kind: "event", event: event(), args_salt: SALT })),
  );
  const returnedMs = performance.now();
  await Promise.all(appended);
  const durableMs = performance.now();
  return { onRequest: { tookMs: returnedMs - startedMs }, inFlush: { tookMs: durableMs - returnedMs } };
}

function eventOf(capability: Capability): AuditEvent {
  const { arguments: args, name } = callOf(1).params;
  return buildEvent({
    ts: new Date().toISOString(),
    event: "intentgate.tool_call",
    decision: "allow",
    tenant: TENANT,
    agent_id: capability.agent,
    tool: name,
    arg_keys: Object.keys(args),
    capability_token_id: capability.jti,
    root_capability_token_id: capability.rootJti,
    caveat_count: capability.caveatCount,
    remote_ip: HOLDER.remoteAddress,
    event_id: randomId(),
    outcome: "unknown",
    method: "tools/call",
    upstream: HOLDER.upstream,
    request_id: HOLDER.requestId,
    args_digest: "0".repeat(64),
    policy_revision: 1,
    policy_sha256: "0".repeat(64),
    policy_rule: "unremarkable",
    sidecar_id: "bench",
    sidecar_epoch: 1,
  });
}
