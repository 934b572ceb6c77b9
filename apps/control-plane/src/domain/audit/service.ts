// Reading the log, vouching for it, and handing it out.
import { createTree, signCheckpoint } from "@postern/audit";
import type { AuditEvent } from "@postern/contracts";
import { type Clock, Fault } from "@postern/fault";
import type { Executor } from "../../database/connection.ts";
import type { Keys } from "../keys/service.ts";
import { requireTenant } from "../tenants/service.ts";
import type { Unit, Work } from "../unit.ts";
import {
  type Checkpoint,
  type EventFilter,
  logOrigin,
  RECENT_MS,
  type ReplayFilter,
  type Verification,
} from "./model.ts";
import {
  findChain,
  findLatestCheckpoint,
  insertCheckpoint,
  lockChain,
  selectEvents,
  selectKnownIds,
  selectRecentCounts,
  selectSalted,
  selectStretch,
  selectTenantsAhead,
  selectWindow,
} from "./store.ts";
import { verifyTenant } from "./verify.ts";

/** An entry of the chain; `text` is what was hashed. */
export interface Entry {
  readonly index: number;
  readonly prevHash: string;
  readonly hash: string;
  readonly text: string;
}

/** Faults of what is about one tenant: not_found "tenant.not_found". */
export interface Audit {
  /** Newest first. `before` is the `position` of the last event of the page before. */
  query(
    executor: Executor,
    filter: EventFilter,
    page: { limit: number; before: number | undefined },
  ): Promise<readonly { event: AuditEvent; position: number }[]>;
  /** As `query`, with the salts of the arguments' digests ("" = there is none any more): for who must know what an event does not tell. */
  replay(
    executor: Executor,
    filter: ReplayFilter,
    page: { limit: number; before: number | undefined },
  ): Promise<readonly { event: AuditEvent; argsSalt: string; position: number }[]>;
  verify(executor: Executor, tenant: string): Promise<Verification>;
  /** A checkpoint over all that is in the tenant's chain now; the same one again while nothing is added. */
  checkpoint(unit: Unit, tenant: string): Promise<Checkpoint>;
  tenantsWithoutCheckpoint(executor: Executor): Promise<readonly string[]>;
  /** The stretch of the chain that holds every event of a window of time; undefined when there is none. */
  stretch(
    executor: Executor,
    window: { tenant: string; since: Date | undefined; until: Date | undefined },
  ): Promise<{ from: number; to: number } | undefined>;
  /** The entries of a stretch in the chain's order, as stored, read page by page as they are taken. */
  entries(
    read: Work["read"],
    tenant: string,
    stretch: { from: number; to: number },
  ): AsyncGenerator<Entry, void>;
  recentCounts(
    executor: Executor,
    tenants: readonly string[],
    nowMs: number,
  ): Promise<ReadonlyMap<string, number>>;
  /** Name of the tenant's log. */
  origin(tenant: string): string;
}

const PAGE = 500;

/** Which of these events are in the tenant's chain. */
export const selectChained = selectKnownIds;

export function createAudit(dependencies: { keys: Keys; clock: Clock; logHost: string }): Audit {
  const { keys, clock, logHost } = dependencies;
  const origin = (tenant: string) => logOrigin(logHost, tenant);

  return {
    async query(executor, filter, page) {
      const rows = await selectEvents(executor, filter, page);
      return rows.map((row) => ({
        event: readEvent(row.event),
        position: filter.tenant === undefined ? row.seq : row.idx,
      }));
    },

    async replay(executor, filter, page) {
      const rows = await selectSalted(executor, filter, page);
      return rows.map(({ event, argsSalt, idx }) => ({
        event: readEvent(event),
        argsSalt: argsSalt ?? "",
        position: idx,
      }));
    },

    async verify(executor, tenant) {
      await requireTenant(executor, tenant);
      const known = new Map((await keys.list(executor, tenant)).map((key) => [key.kid, key]));
      const logKeys = (kid: string) => {
        const key = known.get(kid);
        return key?.use === "log" ? { publicKey: key.publicKey, origin: origin(tenant) } : undefined;
      };
      return await verifyTenant(executor, tenant, { clock, logKeys });
    },

    async checkpoint(unit, tenant) {
      await requireTenant(unit.executor, tenant);
      const key = await keys.signer(unit, tenant, "log");
      const chain = await lockChain(unit.executor, tenant);
      const rootHash = createTree(chain.tree).root();
      const latest = await findLatestCheckpoint(unit.executor, tenant);
      const root = Buffer.from(rootHash).toString("hex");
      if (latest !== undefined) {
        if (latest.size > chain.size || (latest.size === chain.size && latest.rootHash !== root)) {
          throw contradiction(tenant, latest.size, chain.size);
        }
        if (latest.size === chain.size) return latest;
      }
      const note = await signCheckpoint({ origin: origin(tenant), size: chain.size, rootHash, key });
      const checkpoint = { tenant, size: chain.size, rootHash: root, kid: key.kid, note };
      await insertCheckpoint(unit.executor, { ...checkpoint, signedAt: new Date(unit.nowMs) });
      return checkpoint;
    },

    tenantsWithoutCheckpoint: selectTenantsAhead,

    async stretch(executor, { tenant, since, until }) {
      if (since !== undefined || until !== undefined) {
        const any = { decision: undefined, tool: undefined, agentId: undefined };
        return await selectWindow(executor, { tenant, since, until, ...any });
      }
      const size = (await findChain(executor, tenant))?.size ?? 0;
      return size === 0 ? undefined : { from: 0, to: size - 1 };
    },

    async *entries(read, tenant, { from, to }) {
      for (let next = from; next <= to; ) {
        const page = { from: next, to, limit: PAGE };
        const rows = await read((executor) => selectStretch(executor, tenant, page));
        for (const row of rows) {
          yield { index: row.idx, prevHash: row.prevHash, hash: row.hash, text: row.event };
        }
        next = (rows.at(-1)?.idx ?? to) + 1;
      }
    },

    recentCounts: (executor, tenants, nowMs) =>
      selectRecentCounts(executor, tenants, new Date(nowMs - RECENT_MS)),
    origin,
  };
}

/** The text was canonical and complete when it was chained; what became of it since is for verification to say, not for reading. */
function readEvent(text: string): AuditEvent {
  try {
    return JSON.parse(text) as AuditEvent;
  } catch (cause) {
    throw new Fault("internal", "audit.corrupt", "A stored event cannot be read: verify the chain.", {
      cause,
    });
  }
}

// Signing this would vouch for two histories of one log.
function contradiction(tenant: string, signed: number, present: number): Fault {
  return new Fault(
    "internal",
    "audit.contradiction",
    "The log contradicts its last checkpoint: verify the chain.",
    {
      detail: `tenant ${tenant}: signed at ${signed}, present ${present}`,
    },
  );
}
