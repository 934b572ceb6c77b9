// Handing out the log. As NDJSON a whole export carries every hash and ends with a signed checkpoint over exactly what stands above it, so
// that it can be verified far away from here; the export's own event is the last but one line.
import { exportCheckpointLine } from "@postern/audit";
import { ChainEntry } from "@postern/contracts";
import { bytes, csv } from "@postern/surface";
import { z } from "zod";
import type { Entry } from "../../domain/audit/service.ts";
import { windowQuery } from "./audit.ops.ts";
import { type AdminContext, operation } from "./context.ts";
import { NO_TENANT, tenantQuery } from "./fields.ts";

/** Document 001's fields in its order, then ours, then the place in the chain. */
const EVENT_COLUMNS = [
  ...[
    "ts",
    "event",
    "schema_version",
    "decision",
    "check",
    "reason",
    "tenant",
    "agent_id",
    "session_id",
    "tool",
  ],
  ...[
    "arg_keys",
    "arg_values",
    "capability_token_id",
    "root_capability_token_id",
    "caveat_count",
    "pending_id",
  ],
  ...["decided_by", "intent_summary", "latency_ms", "remote_ip", "upstream_status", "requires_step_up"],
  ...["elevation_id", "event_id", "outcome", "reasons", "method", "upstream", "request_id", "args_digest"],
  ...["policy_revision", "policy_sha256", "policy_rule", "cost_micros", "sidecar_id", "sidecar_epoch"],
  ...["sidecar_sequence", "actor", "degraded", "obligations"],
] as (keyof ChainEntry["event"])[];

const csvRows = csv([...EVENT_COLUMNS, "index", "prev_hash", "hash"]);
/** The last line of a whole export. */
const CheckpointLine = z.strictObject({ checkpoint: z.string().describe("A C2SP signed note.") });
const ndjsonLines = bytes("application/x-ndjson", {
  is: "lines",
  line: z.union([ChainEntry, CheckpointLine]),
});
const jsonArray = bytes("application/json", { is: "json", schema: z.array(ChainEntry) });

const exportLog = operation({
  id: "audit_export",
  method: "GET",
  path: "/v1/admin/audit/export",
  summary: "Stream a tenant's log, oldest first",
  description:
    "With `since` or `until`: the stretch of the chain from the first to the last event of the window. " +
    "A whole NDJSON export ends with a signed checkpoint and can be verified offline; JSON holds the same entries as one array.",
  tag: "Audit",
  permission: "read",
  audit: "admin/export_audit",
  status: 200,
  replies: { 404: NO_TENANT, 503: "The master key is not configured (NDJSON)." },
  query: z.strictObject({ format: z.enum(["csv", "json", "ndjson"]), ...tenantQuery, ...windowQuery }),
  example: { query: { format: "ndjson", tenant: "acme-corp" } },
  reply: [csvRows, ndjsonLines, jsonArray],
  run: async ({ query }, context) => {
    const tenant = await context.scope.one(query.tenant);
    const { format } = query;
    const window = { since: query.since ?? query.from, until: query.until ?? query.to };
    const since = window.since?.toISOString() ?? "";
    const until = window.until?.toISOString() ?? "";
    await context.work.commit(async (unit) =>
      unit.record({ tenant, name: "export_audit", details: { format, since, until } }),
    );
    const isWhole = since === "" && until === "";
    const checkpoint =
      isWhole && format === "ndjson"
        ? await context.work.commit((unit) => context.audit.checkpoint(unit, tenant))
        : undefined;
    const stretch =
      checkpoint === undefined
        ? await context.work.read((executor) => context.audit.stretch(executor, { tenant, ...window }))
        : { from: 0, to: checkpoint.size - 1 };
    const entries =
      stretch === undefined ? nothing() : context.audit.entries(context.work.read, tenant, stretch);
    const headers = { "content-disposition": `attachment; filename="${fileName(tenant, format, context)}"` };
    if (format === "csv") return csvRows.of(mapped(entries, cellsOf), headers);
    if (format === "json") return jsonArray.of(arrayOf(entries), headers);
    return ndjsonLines.of(linesOf(entries, checkpoint?.note), headers);
  },
});

/** Lines are made from the stored text: byte for byte what was hashed. */
async function* linesOf(entries: Entries, note: string | undefined): AsyncGenerator<Uint8Array> {
  yield* gathered(entries, (entry) => `${textOf(entry)}\n`);
  if (note !== undefined) yield Buffer.from(exportCheckpointLine(note));
}

async function* arrayOf(entries: Entries): AsyncGenerator<Uint8Array> {
  let separator = "[\n";
  yield* gathered(entries, (entry) => {
    const piece = separator + textOf(entry);
    separator = ",\n";
    return piece;
  });
  yield Buffer.from(separator === "[\n" ? "[]\n" : "\n]\n");
}

/** A chain entry with its keys in canonical order (RFC 8785), as the export's readers demand. */
function textOf({ index, prevHash, hash, text }: Entry): string {
  return `{"event":${text},"hash":"${hash}","index":${index},"prev_hash":"${prevHash}"}`;
}

function cellsOf({ index, prevHash, hash, text }: Entry): (string | number | boolean)[] {
  const event = JSON.parse(text) as ChainEntry["event"];
  const cells = EVENT_COLUMNS.map((column) => {
    const value = event[column] ?? "";
    if (Array.isArray(value)) return value.join(";");
    return typeof value === "object" ? JSON.stringify(value) : value;
  });
  return [...cells, index, prevHash, hash];
}

type Entries = AsyncGenerator<Entry, void>;

const CHUNK_CHARS = 65_536;

async function* gathered(entries: Entries, spell: (entry: Entry) => string): AsyncGenerator<Uint8Array> {
  let pending = "";
  for await (const entry of entries) {
    pending += spell(entry);
    if (pending.length < CHUNK_CHARS) continue;
    yield Buffer.from(pending);
    pending = "";
  }
  if (pending !== "") yield Buffer.from(pending);
}

async function* mapped<T>(entries: Entries, map: (entry: Entry) => T): AsyncGenerator<T> {
  for await (const entry of entries) yield map(entry);
}

async function* nothing(): Entries {}

function fileName(tenant: string, format: string, context: AdminContext): string {
  const at = new Date(context.clock.nowMs()).toISOString().replace(/[-:]|\.\d+/g, "");
  return `postern-audit-${tenant}-${at}.${format}`;
}

export const exportRows = [exportLog];
