// The queue of calls that wait for people (P8). An approval is for one exact call, by its digest; it is given by people who may, in time, and
// taken once. Everything that changes one holds the tenant's register, so that of two who decide, take or expire it one comes first.
import {
  type ApprovalClaim,
  type ApprovalRequest,
  type ApprovalTicket,
  DECISIONS_PER_STATE,
  type JsonObject,
} from "@postern/contracts";
import type { Fault } from "@postern/fault";
import type { Executor } from "../../database/connection.ts";
import type { Capabilities } from "../capabilities/service.ts";
import { tenantSettings } from "../tenants/settings.ts";
import type { Unit } from "../unit.ts";
import { claim } from "./claim.ts";
import { decide, type Verdict } from "./decide.ts";
import { expireSome } from "./expire.ts";
import {
  type Approval,
  type ApprovalInDetail,
  type ApprovalKey,
  ARGUMENTS_KEPT_MS,
  ROOM,
  ticketOf,
} from "./model.ts";
import { park } from "./park.ts";
import { unknownApproval } from "./standing.ts";
import {
  type ApprovalFilter,
  countPending,
  eraseArguments,
  findApproval,
  selectApprovals,
  selectArguments,
  selectChanged,
  selectNamed,
  selectVersions,
  tenantsOfApproval,
} from "./store.ts";

/** An approval by its id; without a tenant it is looked for in all of them. */
export interface ApprovalName {
  readonly tenant: string | undefined;
  readonly id: string;
}

export interface Approvals {
  /**
   * Parks a call; one that is parked already, or was decided on just now, is not parked again. Faults: invalid "approvals.digest";
   * too_large "approvals.too_large"; limited "approvals.too_many".
   */
  park(
    unit: Unit,
    sidecar: { tenant: string; id: string },
    request: ApprovalRequest,
  ): Promise<ApprovalTicket>;
  /** Faults: not_found "approvals.unknown". */
  ticket(executor: Executor, key: ApprovalKey, nowMs: number): Promise<ApprovalTicket>;
  /** Takes the permission, or says why not beside the ticket. Faults: not_found "approvals.unknown". */
  claim(
    unit: Unit,
    key: ApprovalKey,
    claim: ApprovalClaim,
  ): Promise<{ ticket: ApprovalTicket; refusal: Fault | undefined }>;
  /**
   * undefined, or why it was refused, which the chain tells too: commit it, then raise it. forbidden "approvals.role" | "approvals.four_eyes";
   * conflict "approvals.<status>" | "approvals.same_person". Faults: not_found "approvals.unknown".
   */
  decide(unit: Unit, name: ApprovalName, verdict: Verdict): Promise<Fault | undefined>;
  /**
   * Newest first: `limit` of them, which are as many as were asked for, or fewer when their arguments are large, and one more when others
   * follow.
   */
  list(
    executor: Executor,
    filter: ApprovalFilter,
  ): Promise<{ items: readonly ApprovalInDetail[]; limit: number }>;
  /** Faults: not_found "approvals.unknown". */
  find(executor: Executor, name: ApprovalName): Promise<ApprovalInDetail>;
  /** Those of these ids that there are, by id. */
  named(executor: Executor, tenant: string, ids: readonly string[]): Promise<ReadonlyMap<string, Approval>>;
  /** How many calls wait, by tenant; a tenant without any is absent. */
  pendingCounts(
    executor: Executor,
    tenants: readonly string[],
    nowMs: number,
  ): Promise<ReadonlyMap<string, number>>;
  /** Writes down some of what has expired. How many calls that were. */
  expireSome(unit: Unit): Promise<number>;
  /** Forgets what agents put into some calls that were settled long ago. How many calls that were. */
  eraseSome(unit: Unit): Promise<number>;
  /** The next part of what was settled after a version, as far as it still matters; `version` is where this part ends. */
  decidedAfter(
    executor: Executor,
    range: { tenant: string; after: number; upTo: number; nowMs: number },
  ): Promise<{ decided: ApprovalTicket[]; version: number }>;
  /** Versions of the tenants' decisions. */
  versions(executor: Executor, tenants: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

const ERASED_PER_TURN = 500;

/** Arguments on one page, unless a single call has more. */
const PAGE_ARGUMENTS_BYTES_MAX = 4 * 1_048_576;

export function createApprovals({ capabilities }: { capabilities: Capabilities }, room = ROOM): Approvals {
  return {
    park: (unit, sidecar, request) => park(unit, sidecar, request, room),

    async ticket(executor, key, nowMs) {
      const approval = await findApproval(executor, key);
      if (approval === undefined) throw unknownApproval();
      return ticketOf(approval, nowMs);
    },

    claim: (unit, key, request) => claim(unit, key, request, capabilities),

    async decide(unit, name, verdict) {
      return await decide(unit, await keyOf(unit.executor, name), verdict, capabilities);
    },

    async list(executor, filter) {
      const found = await selectApprovals(executor, { ...filter, limit: filter.limit + 1 });
      const limit = fitting(found.slice(0, filter.limit));
      return { items: await inDetail(executor, found.slice(0, limit + 1)), limit };
    },

    async named(executor, tenant, ids) {
      const found = await selectNamed(executor, tenant, ids);
      return new Map(found.map((approval) => [approval.id, approval]));
    },

    async find(executor, name) {
      const approval = await findApproval(executor, await keyOf(executor, name));
      const [detailed] = approval === undefined ? [] : await inDetail(executor, [approval]);
      if (detailed === undefined) throw unknownApproval();
      return detailed;
    },

    pendingCounts: (executor, tenants, nowMs) => countPending(executor, tenants, new Date(nowMs)),

    expireSome,

    eraseSome: ({ executor, nowMs }) =>
      eraseArguments(executor, { before: new Date(nowMs - ARGUMENTS_KEPT_MS), limit: ERASED_PER_TURN }),

    async decidedAfter(executor, { nowMs, ...range }) {
      const limit = DECISIONS_PER_STATE;
      // Whoever waits for a decision gives up no later than this after it was made.
      const matteringMs = (await tenantSettings(executor, range.tenant)).approvals.pending_seconds * 1_000;
      const since = new Date(nowMs - matteringMs);
      const changed = await selectChanged(executor, { ...range, limit, since, now: new Date(nowMs) });
      const last = changed.at(-1);
      const version = changed.length < limit || last === undefined ? range.upTo : last.version;
      return { decided: changed.map((approval) => ticketOf(approval, nowMs)), version };
    },

    versions: selectVersions,
  };
}

/** @throws Fault not_found "approvals.unknown". */
async function keyOf(executor: Executor, { tenant, id }: ApprovalName): Promise<ApprovalKey> {
  const [found] = tenant === undefined ? await tenantsOfApproval(executor, id) : [tenant];
  if (found === undefined) throw unknownApproval();
  return { tenant: found, id };
}

/** How many of them, from the first one on, have no more arguments together than a page holds. */
function fitting(approvals: readonly Approval[]): number {
  let bytes = 0;
  const tooMany = approvals.findIndex((each, at) => {
    bytes += each.argumentsBytes;
    return at > 0 && bytes > PAGE_ARGUMENTS_BYTES_MAX;
  });
  return tooMany === -1 ? approvals.length : tooMany;
}

async function inDetail(executor: Executor, page: readonly Approval[]): Promise<ApprovalInDetail[]> {
  const texts = await selectArguments(executor, page);
  return page.map((approval) => {
    const text = texts.get(approval.id);
    const args = text === undefined ? undefined : (JSON.parse(text) as JsonObject);
    return { ...approval, arguments: args };
  });
}
