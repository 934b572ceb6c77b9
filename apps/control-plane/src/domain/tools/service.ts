// Which tools a tenant's upstreams offer, and which of their definitions may be used. Sidecars tell what they see; the first definition may
// be trusted by itself, and from then on only a person makes another one usable, by its digest and no other way.
import {
  type JsonObject,
  PINNED_DEFINITIONS_MAX,
  PINS_PER_STATE,
  type PinMode,
  type ToolPin,
  type ToolReport,
  type ToolReportReply,
} from "@postern/contracts";
import { Fault } from "@postern/fault";
import type { Executor } from "../../database/connection.ts";
import { requireServed } from "../tenants/service.ts";
import type { Unit } from "../unit.ts";
import { differencesOf } from "./difference.ts";
import { pinOf, ROOM, type Tool, type ToolInDetail, type ToolKey } from "./model.ts";
import {
  deleteOtherDefinitions,
  FRESH,
  findTool,
  lockRegister,
  selectChanged,
  selectDefinitions,
  selectRegisters,
  selectTools,
  type ToolFilter,
  updateRegister,
  updateTool,
} from "./store.ts";
import { takeReport } from "./take-report.ts";

export interface Tools {
  /** Takes in what a sidecar saw. */
  take(unit: Unit, sidecar: { tenant: string; id: string }, report: ToolReport): Promise<ToolReportReply>;
  list(executor: Executor, filter: ToolFilter): Promise<readonly Tool[]>;
  /** Faults: not_found "tools.unknown". */
  find(executor: Executor, key: ToolKey): Promise<ToolInDetail>;
  /**
   * Makes a definition usable: the one that waits, or one that was approved before. `keep` leaves earlier ones usable beside it.
   * Faults: not_found "tools.unknown" · conflict "tools.changed" when the digest is neither, "tools.too_many".
   */
  approve(
    unit: Unit,
    key: ToolKey,
    decision: { digest: string; reason: string; keep: boolean },
  ): Promise<ToolInDetail>;
  /** Takes a tool out of use, whatever its definition. Faults: not_found "tools.unknown". */
  block(unit: Unit, key: ToolKey, reason: string): Promise<ToolInDetail>;
  mode(executor: Executor, tenant: string): Promise<PinMode>;
  setMode(unit: Unit, tenant: string, mode: PinMode): Promise<void>;
  /** The next part of what changed after a version; `version` is where this part ends. */
  pinsAfter(
    executor: Executor,
    range: { tenant: string; after: number; upTo: number },
  ): Promise<{ mode: PinMode; pins: ToolPin[]; version: number }>;
  /** Versions of the pins, by tenant. */
  versions(executor: Executor, tenants: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

export function createTools(room = ROOM): Tools {
  return {
    take: (unit, sidecar, report) => takeReport(unit, sidecar, report, room),
    list: selectTools,
    find: findInDetail,

    async approve(unit, key, { digest, reason, keep }) {
      return await decide(unit, key, reason, (tool, version) => ({
        name: "approve_tool",
        details: { digest, replaces: tool.digests.at(-1) ?? "", keep },
        tool: {
          ...tool,
          status: "pinned",
          digests: approvedWith(tool, digest, keep),
          candidate: null,
          explicit: true,
          since: tool.since === 0 ? version : tool.since,
        },
      }));
    },

    async block(unit, key, reason) {
      return await decide(unit, key, reason, (tool) => ({
        name: "block_tool",
        details: {},
        tool: { ...tool, status: "blocked", reason: "pin.unapproved" },
      }));
    },

    async mode(executor, tenant) {
      return ((await selectRegisters(executor, [tenant])).get(tenant) ?? FRESH).mode;
    },

    async setMode(unit, tenant, mode) {
      await requireServed(unit.executor, tenant);
      const register = await lockRegister(unit.executor, tenant);
      unit.record({ tenant, name: "set_tool_mode", details: { mode, before: register.mode } });
      if (register.mode === mode) return;
      await updateRegister(unit.executor, tenant, { mode, version: register.version + 1 });
      unit.announce(tenant);
    },

    async pinsAfter(executor, { tenant, after, upTo }) {
      const limit = PINS_PER_STATE;
      const mode = await this.mode(executor, tenant);
      const changed = await selectChanged(executor, { tenant, after, upTo, limit });
      const last = changed.at(-1);
      const version = changed.length < limit || last === undefined ? upTo : last.version;
      return { mode, pins: changed.map(pinOf), version };
    },

    async versions(executor, tenants) {
      const registers = await selectRegisters(executor, tenants);
      return new Map([...registers].map(([tenant, { version }]) => [tenant, version]));
    },
  };
}

interface Decision {
  readonly name: string;
  readonly details: JsonObject;
  readonly tool: Tool;
}

async function decide(
  unit: Unit,
  key: ToolKey,
  reason: string,
  decisionOn: (tool: Tool, version: number) => Decision,
): Promise<ToolInDetail> {
  const { executor, actor, nowMs } = unit;
  const { tenant } = key;
  // The register's lock is what every writer of tools holds.
  const register = await lockRegister(executor, tenant);
  const tool = await findTool(executor, key);
  if (tool === undefined) throw unknownTool();
  const version = register.version + 1;
  const { name, details, tool: next } = decisionOn(tool, version);
  const flags = (await selectDefinitions(executor, key)).find(
    ({ digest }) => digest === (next.candidate ?? next.digests.at(-1)),
  )?.flags;
  const decided = { decidedBy: actor.name, decidedAt: new Date(nowMs), decisionReason: reason };
  const changed: Tool = { ...next, ...decided, version, flags: flags ?? tool.flags };
  await updateTool(executor, changed);
  await deleteOtherDefinitions(executor, changed);
  await updateRegister(executor, tenant, { ...register, version });
  const told = { tool_id: tool.id, upstream: tool.upstream, tool: tool.name, ...details };
  unit.record({ tenant, name, reason, details: told });
  unit.announce(tenant);
  return await findInDetail(executor, key);
}

/** The digests that are approved once this one is. */
function approvedWith(tool: Tool, digest: string, keep: boolean): readonly string[] {
  if (tool.candidate !== digest && !tool.digests.includes(digest)) {
    throw new Fault(
      "conflict",
      "tools.changed",
      tool.candidate === null
        ? "No definition of this digest waits for approval."
        : `The definition has changed meanwhile: what waits for approval now is ${tool.candidate}.`,
    );
  }
  const digests = keep ? [...tool.digests.filter((each) => each !== digest), digest] : [digest];
  if (digests.length <= PINNED_DEFINITIONS_MAX) return digests;
  throw new Fault(
    "conflict",
    "tools.too_many",
    `A tool has ${PINNED_DEFINITIONS_MAX} approved definitions at most: approve this one without keeping the others.`,
  );
}

async function findInDetail(executor: Executor, key: ToolKey): Promise<ToolInDetail> {
  const tool = await findTool(executor, key);
  if (tool === undefined) throw unknownTool();
  const definitions = await selectDefinitions(executor, key);
  const textOf = (digest: string | null | undefined) =>
    definitions.find((each) => each.digest === digest)?.definition ?? undefined;
  const approved = parsed(textOf(tool.digests.at(-1)));
  const waiting = parsed(textOf(tool.candidate));
  const isComparable = approved !== undefined && waiting !== undefined;
  return {
    ...tool,
    approved,
    waiting,
    differences: isComparable ? differencesOf(approved, waiting) : undefined,
  };
}

function parsed(text: string | undefined): JsonObject | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as JsonObject);
}

function unknownTool(): Fault {
  return new Fault("not_found", "tools.unknown", "There is no such tool.");
}
