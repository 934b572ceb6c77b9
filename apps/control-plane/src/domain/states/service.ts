// Control state as signed documents. Versions are read first and documents made for exactly those, so that a heartbeat never vouches for
// more than what was read before it.
import {
  type ApprovalTicket,
  type Halt,
  type JsonObject,
  NO_VERSIONS,
  type RegisteredUpstream,
  type SidecarState,
  type StateNoun,
  type StateVersions,
} from "@postern/contracts";
import { type SigningKey, seal } from "@postern/signing";
import type { Executor } from "../../database/connection.ts";
import type { Capabilities } from "../capabilities/service.ts";
import type { Keys } from "../keys/service.ts";
import { pointerOf } from "../policies/model.ts";
import type { Policies } from "../policies/service.ts";
import type { Rollouts } from "../rollouts/service.ts";
import type { Tools } from "../tools/service.ts";
import type { Unit } from "../unit.ts";
import { type Documented, type Listed, versionsOf } from "./model.ts";

/** Keys that stopped being trusted are told for a day more, for sidecars whose clocks lag. */
const FORGOTTEN_AFTER_MS = 86_400_000;

/** A part of a list: what comes after one version, up to another. */
interface Range {
  readonly tenant: string;
  readonly after: number;
  readonly upTo: number;
}

export type DocumentState = SidecarState & { kind: Documented };
export type ListState = SidecarState & { kind: Listed };

export interface States {
  /** The current versions, by tenant. */
  versions(executor: Executor, tenants: readonly string[]): Promise<ReadonlyMap<string, StateVersions>>;
  /** The keys that sign the tenant's states. */
  signers(unit: Unit, tenant: string): Promise<{ root: SigningKey; state: SigningKey }>;
  /** As it is now. Its version is that of what was read: `version`, or a newer one where the noun can tell. */
  document(
    executor: Executor,
    noun: Documented,
    of: { tenant: string; version: number; issuedAtMs: number },
  ): Promise<DocumentState>;
  /** The next part of a list. */
  part(executor: Executor, noun: Listed, range: Range, issuedAtMs: number): Promise<ListState>;
}

type Versions = (executor: Executor, tenants: readonly string[]) => Promise<ReadonlyMap<string, number>>;

export interface ToldNouns {
  readonly keys: Keys;
  readonly capabilities: Capabilities;
  readonly policies: Policies;
  readonly rollouts: Pick<Rollouts, "running">;
  readonly tools: Tools;
  readonly halts: {
    versions: Versions;
    /** Those that are on for a tenant, global ones included. */
    on(executor: Executor, tenant: string, nowMs: number): Promise<readonly Halt[]>;
  };
  readonly upstreams: {
    versions: Versions;
    registered(executor: Executor, tenant: string): Promise<readonly RegisteredUpstream[]>;
  };
  readonly approvals: {
    versions: Versions;
    decidedAfter(
      executor: Executor,
      range: Range & { readonly nowMs: number },
    ): Promise<{ decided: ApprovalTicket[]; version: number }>;
  };
}

export function createStates(nouns: ToldNouns): States {
  /** What is in force and what is tried beside it, as they are at one version: read again when it has moved meanwhile. */
  async function policyAsItIs(executor: Executor, tenant: string) {
    const versionNow = async () => (await nouns.policies.versions(executor, [tenant])).get(tenant) ?? 0;
    for (let version = await versionNow(); ; ) {
      const activation = (await nouns.policies.inForce(executor, [tenant])).get(tenant);
      const rollout = (await nouns.rollouts.running(executor, [tenant])).get(tenant) ?? null;
      const after = await versionNow();
      if (after === version) return { version, active: pointerOf(activation), rollout };
      version = after;
    }
  }

  const versions: Readonly<Record<StateNoun, Versions>> = {
    keys: nouns.keys.versions,
    policy: nouns.policies.versions,
    halts: nouns.halts.versions,
    upstreams: nouns.upstreams.versions,
    revocations: nouns.capabilities.versions,
    pins: nouns.tools.versions,
    approvals: nouns.approvals.versions,
  };

  const documents = {
    async keys(executor: Executor, tenant: string, issuedAtMs: number) {
      const published = await nouns.keys.published(executor, tenant);
      const keys = published.filter(
        ({ not_after }) => not_after === undefined || Date.parse(not_after) > issuedAtMs - FORGOTTEN_AFTER_MS,
      );
      return { kind: "keys" as const, keys };
    },
    async policy(executor: Executor, tenant: string) {
      return { kind: "policy" as const, ...(await policyAsItIs(executor, tenant)) };
    },
    async halts(executor: Executor, tenant: string, issuedAtMs: number) {
      return { kind: "halts" as const, halts: [...(await nouns.halts.on(executor, tenant, issuedAtMs))] };
    },
    async upstreams(executor: Executor, tenant: string) {
      return {
        kind: "upstreams" as const,
        upstreams: [...(await nouns.upstreams.registered(executor, tenant))],
      };
    },
  };

  const parts = {
    revocations: async (executor: Executor, range: Range) => ({
      kind: "revocations" as const,
      ...(await nouns.capabilities.revokedAfter(executor, range)),
    }),
    pins: async (executor: Executor, range: Range) => ({
      kind: "pins" as const,
      ...(await nouns.tools.pinsAfter(executor, range)),
    }),
    approvals: async (executor: Executor, range: Range, nowMs: number) => ({
      kind: "approvals" as const,
      ...(await nouns.approvals.decidedAfter(executor, { ...range, nowMs })),
    }),
  };

  return {
    async versions(executor, tenants) {
      const found = new Map<StateNoun, ReadonlyMap<string, number>>();
      for (const [noun, read] of Object.entries(versions) as [StateNoun, Versions][])
        found.set(noun, await read(executor, tenants));
      return new Map(
        tenants.map((tenant) => [
          tenant,
          versionsOf((noun) => found.get(noun)?.get(tenant) ?? NO_VERSIONS[noun]),
        ]),
      );
    },

    async signers(unit, tenant) {
      const root = await nouns.keys.signer(unit, tenant, "root");
      return { root, state: await nouns.keys.signer(unit, tenant, "state") };
    },

    async document(executor, noun, { tenant, version, issuedAtMs }) {
      const head = { tenant, issued_at: instant(issuedAtMs), version };
      return { ...head, ...(await documents[noun](executor, tenant, issuedAtMs)) };
    },

    async part(executor, noun, range, issuedAtMs) {
      const head = { tenant: range.tenant, issued_at: instant(issuedAtMs), after: range.after };
      return { ...head, ...(await parts[noun](executor, range, issuedAtMs)) };
    },
  };
}

/** The keys document is signed by the pinned root, everything else by the state key. */
export async function sealState(
  state: SidecarState,
  signers: { root: SigningKey; state: SigningKey },
): Promise<string> {
  const document: JsonObject = JSON.parse(JSON.stringify(state));
  return state.kind === "keys"
    ? await seal(document, { key: signers.root, purpose: "keys" })
    : await seal(document, { key: signers.state, purpose: "state" });
}

export function heartbeat(tenant: string, versions: StateVersions, issuedAtMs: number): SidecarState {
  return { kind: "heartbeat", tenant, issued_at: instant(issuedAtMs), versions: { ...versions } };
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
