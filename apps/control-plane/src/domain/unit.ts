// The unit of work: one transaction, one clock reading, and an outbox of what was done. What was recorded is appended to the tenant's
// audit chain in the same transaction, so that an act and its event exist together or not at all. It belongs to no noun.
import type { JsonObject } from "@postern/contracts";
import { type Clock, Fault, type NewId } from "@postern/fault";
import type { Database, Executor } from "../database/connection.ts";
import { databaseFault } from "../database/faults.ts";

/** Who acts, from the credential alone, and from where. */
export interface Actor {
  /** Such as "superadmin", "tenant-admin:acme" or "sidecar:<id>". */
  readonly name: string;
  readonly remoteAddress: string;
  readonly requestId: string;
  /** The elevation under which it acts; absent when it has none. */
  readonly elevationId?: string;
  /** Whether that elevation is one to admin: somebody else has agreed to what it does as such. */
  readonly isSeconded?: boolean;
}

/** An administrative act, as the audit chain will tell it. Nothing in it may be secret. */
export interface Act {
  readonly tenant: string;
  /** Such as "mint"; the event's `tool` is "admin/mint". */
  readonly name: string;
  /** "block" = it was refused; default "allow". */
  readonly decision?: "allow" | "block";
  /** The check that refused. */
  readonly check?: string;
  readonly reason?: string;
  readonly agentId?: string;
  readonly tokenId?: string;
  readonly rootTokenId?: string;
  readonly caveatCount?: number;
  /** What it was done with, including what the caller claims about itself. */
  readonly details?: JsonObject;
  /** For an act that must be told once however often it is tried: its event's id, unique in the tenant. */
  readonly eventId?: string;
  /** Who did it, where that is somebody else than who commits: acts of several people may be told together. */
  readonly actor?: Actor;
}

/** Something that people outside want to hear of, once it is committed. Nothing in it may be secret. */
export interface Notice {
  readonly tenant: string;
  readonly type:
    | "approval.pending"
    | "approval.decided"
    | "approval.expired"
    | "halt.engaged"
    | "halt.released"
    | "policy.promoted"
    | "rollout.stopped";
  readonly data: JsonObject;
}

export interface Unit {
  readonly executor: Executor;
  readonly actor: Actor;
  readonly nowMs: number;
  readonly newId: NewId;
  record(act: Act): void;
  notify(notice: Notice): void;
  /** Names a tenant whose sidecars must hear of this change once it is committed. */
  announce(tenant: string): void;
}

/** Appends what was recorded to the chains, in the same transaction. */
export type Journal = (unit: Unit, acts: readonly Act[]) => Promise<void>;

/** Keeps notices for delivery. */
export interface Outbox {
  /** Inside the transaction: they are delivered if it commits. */
  keep(unit: Unit, notices: readonly Notice[]): Promise<void>;
  /** After the commit: something may be due. */
  committed(): void;
}

/** Tells every replica that a tenant's control state has changed. */
export interface Announcer {
  /** Inside the transaction: is heard by the other replicas if it commits. */
  prepare(executor: Executor, tenants: readonly string[]): Promise<void>;
  /** After the commit: is heard in this process. */
  committed(tenants: readonly string[]): void;
}

export interface Units {
  /**
   * Runs `work` in a transaction; it may run again after a deadlock, so it must touch nothing but the unit. `mustRecord` names the event
   * ("admin/mint") without which the work is undone.
   */
  commit<T>(
    actor: Actor,
    work: (unit: Unit) => Promise<T>,
    options?: { mustRecord?: string | undefined },
  ): Promise<T>;
  /** Runs queries that change nothing. */
  read<T>(work: (executor: Executor) => Promise<T>): Promise<T>;
}

/** The unit of work of one caller: for use cases that must do something slow between two transactions. */
export interface Work {
  commit<T>(work: (unit: Unit) => Promise<T>): Promise<T>;
  read<T>(work: (executor: Executor) => Promise<T>): Promise<T>;
}

export interface UnitDependencies {
  readonly database: Database;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly journal: Journal;
  readonly outbox: Outbox;
  readonly announcer: Announcer;
}

export function createUnits(dependencies: UnitDependencies): Units {
  const { database, clock, newId, journal, outbox, announcer } = dependencies;
  return {
    async commit(actor, work, options = {}) {
      let announced: readonly string[] = [];
      let isNoticed = false;
      const result = await translated(() =>
        database.transaction(async (executor) => {
          const acts: Act[] = [];
          const notices: Notice[] = [];
          const tenants = new Set<string>();
          const unit: Unit = {
            executor,
            actor,
            nowMs: clock.nowMs(),
            newId,
            record: (act) => void acts.push(act),
            notify: (notice) => void notices.push(notice),
            announce: (tenant) => void tenants.add(tenant),
          };
          const value = await work(unit);
          assertRecorded(acts, options.mustRecord);
          if (acts.length > 0) await journal(unit, acts);
          isNoticed = notices.length > 0;
          if (isNoticed) await outbox.keep(unit, notices);
          announced = [...tenants].sort();
          if (announced.length > 0) await announcer.prepare(executor, announced);
          return value;
        }),
      );
      if (announced.length > 0) announcer.committed(announced);
      if (isNoticed) outbox.committed();
      return result;
    },
    read: (work) => translated(() => work(database.executor)),
  };
}

async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (caught) {
    throw databaseFault(caught);
  }
}

// An endpoint that promises an event and records none is a hole in the log: its work is undone.
function assertRecorded(acts: readonly Act[], name: string | undefined): void {
  // Some endpoints do one of several things: "admin/approve_policy|admin/reject_policy".
  if (name === undefined || acts.some((act) => name.split("|").includes(`admin/${act.name}`))) return;
  throw new Fault("internal", "audit.unrecorded", "Something went wrong on our side.", {
    detail: `${name} was not recorded`,
  });
}
