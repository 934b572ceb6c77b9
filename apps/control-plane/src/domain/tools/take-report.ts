// What a sidecar saw, taken into the inventory. One report is one transaction under the register's lock: of two sidecars that see two first
// definitions one comes first, and everything that changes has a version of its own and an event. What is known already changes nothing.
import type { ToolReport, ToolReportReply } from "@postern/contracts";
import type { Unit } from "../unit.ts";
import type { Definition, Room, Tool } from "./model.ts";
import { afterSighting, holdingReason, readSighting } from "./sighting.ts";
import {
  countTools,
  deleteOtherDefinitions,
  insertDefinitions,
  insertTools,
  lockRegister,
  type Register,
  selectNamed,
  touchTools,
  updateRegister,
  updateTool,
} from "./store.ts";

interface Reporter {
  readonly tenant: string;
  readonly id: string;
}

/** A tool of a report, and what the report did to it. */
interface Entry {
  readonly tool: Tool;
  readonly change: "none" | "seen" | "changed" | "added";
}

/** A report while it is taken in. */
interface Taking {
  readonly unit: Unit;
  readonly sidecar: Reporter;
  readonly report: ToolReport;
  readonly register: Register;
  readonly entries: Map<string, Entry>;
  readonly definitions: (Definition & { toolId: string })[];
  version: number;
}

export async function takeReport(
  unit: Unit,
  sidecar: Reporter,
  report: ToolReport,
  room: Room,
): Promise<ToolReportReply> {
  const { executor } = unit;
  const { tenant } = sidecar;
  const register = await lockRegister(executor, tenant);
  const names = [...new Set(report.tools.map(({ tool }) => tool))];
  const known = await selectNamed(executor, tenant, { upstreams: report.upstreams, names });
  const entries = known.map((tool) => [keyOf(tool.upstream, tool.name), { tool, change: "none" }] as const);
  const { version } = register;
  const taking: Taking = {
    ...{ unit, sidecar, report, register, version },
    entries: new Map(entries),
    definitions: [],
  };
  const takesOneMore = await roomFor(taking, room);
  const refused: ToolReportReply["refused"] = [];
  for (const sighting of report.tools) {
    const { upstream, tool: name } = sighting;
    const seen = report.upstreams.includes(upstream) ? readSighting(sighting) : undefined;
    const before = taking.entries.get(keyOf(upstream, name));
    if (seen !== undefined && before !== undefined) look(taking, before, seen);
    else if (seen !== undefined && takesOneMore(upstream)) add(taking, { upstream, name }, seen);
    else refused.push({ upstream, tool: name });
  }
  await write(taking);
  if (taking.version > version) {
    await updateRegister(executor, tenant, { ...register, version: taking.version });
    unit.announce(tenant);
  }
  return { refused };
}

const keyOf = (upstream: string, name: string): string => `${upstream}/${name}`;

/** Whether an upstream may have one tool more, which then counts. */
async function roomFor({ unit, sidecar, report, entries }: Taking, room: Room) {
  const hasNew = report.tools.some(({ upstream, tool }) => !entries.has(keyOf(upstream, tool)));
  const counts = new Map(hasNew ? await countTools(unit.executor, sidecar.tenant) : []);
  let total = [...counts.values()].reduce((sum, each) => sum + each, 0);
  return (upstream: string): boolean => {
    const had = counts.get(upstream) ?? 0;
    if (total >= room.perTenantMax || had >= room.perUpstreamMax) return false;
    counts.set(upstream, had + 1);
    total += 1;
    return true;
  };
}

function add(taking: Taking, { upstream, name }: { upstream: string; name: string }, seen: Definition): void {
  const { unit, sidecar, report, register, entries, definitions } = taking;
  const isApproved = (other: string) =>
    (entries.get(keyOf(other, name))?.tool.digests.length ?? 0) > 0 && other !== upstream;
  const situation = { mode: register.mode, isShadowed: report.upstreams.some(isApproved) };
  const reason = holdingReason(situation, seen.flags);
  const isPinned = reason === undefined;
  taking.version += 1;
  const { version } = taking;
  const at = new Date(unit.nowMs);
  const tool: Tool = {
    ...{
      tenant: sidecar.tenant,
      id: unit.newId(),
      upstream,
      name,
      flags: seen.flags,
      explicit: false,
      version,
    },
    status: isPinned ? "pinned" : "quarantined",
    reason: reason ?? "pin.unapproved",
    digests: isPinned ? [seen.digest] : [],
    candidate: isPinned ? null : seen.digest,
    since: isPinned ? version : 0,
    ...{ firstSeenAt: at, lastSeenAt: at, seenBy: sidecar.id },
    ...{ decidedBy: "", decidedAt: null, decisionReason: "" },
  };
  entries.set(keyOf(upstream, name), { tool, change: "added" });
  definitions.push({ ...seen, toolId: tool.id });
  tell(unit, tool, seen);
}

function look(taking: Taking, { tool, change }: Entry, seen: Definition): void {
  const { unit, sidecar, entries, definitions } = taking;
  const key = keyOf(tool.upstream, tool.name);
  const next = afterSighting(tool, seen);
  if (next === undefined) {
    entries.set(key, { tool, change: change === "none" ? "seen" : change });
    return;
  }
  taking.version += 1;
  const { version } = taking;
  const changed: Tool = { ...next, version, lastSeenAt: new Date(unit.nowMs), seenBy: sidecar.id };
  entries.set(key, { tool: changed, change: change === "added" ? "added" : "changed" });
  definitions.push({ ...seen, toolId: tool.id });
  tell(unit, changed, seen);
}

function tell(unit: Unit, tool: Tool, { digest, flags }: Definition): void {
  const { tenant, id, upstream, name, status, reason, digests } = tool;
  const details = { tool_id: id, upstream, tool: name, digest, flags: [...flags] };
  if (status === "pinned") unit.record({ tenant, name: "pin_tool", details });
  else
    unit.record({ tenant, name: "quarantine_tool", reason, details: { ...details, approved: [...digests] } });
}

async function write({ unit, sidecar, entries, definitions }: Taking): Promise<void> {
  const { executor, nowMs } = unit;
  const { tenant, id: by } = sidecar;
  const those = (wanted: Entry["change"]) =>
    [...entries.values()].filter(({ change }) => change === wanted).map(({ tool }) => tool);
  await insertTools(executor, those("added"));
  for (const tool of those("changed")) await updateTool(executor, tool);
  await touchTools(executor, tenant, { ids: those("seen").map(({ id }) => id), at: new Date(nowMs), by });
  await insertDefinitions(executor, tenant, definitions);
  for (const tool of those("changed")) await deleteOtherDefinitions(executor, tool);
}
