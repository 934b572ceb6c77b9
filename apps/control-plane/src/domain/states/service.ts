// Control state as signed documents. Versions are read first and documents made for exactly those, so that a heartbeat never vouches for
// more than what was read before it.
import type { JsonObject, SidecarState } from "@postern/contracts";
import { type SigningKey, seal } from "@postern/signing";
import type { Executor } from "../../database/connection.ts";
import type { Capabilities } from "../capabilities/service.ts";
import type { Keys } from "../keys/service.ts";
import { pointerOf } from "../policies/model.ts";
import type { Policies } from "../policies/service.ts";
import type { Tools } from "../tools/service.ts";
import type { Unit } from "../unit.ts";
import { NO_VERSIONS, type Versions } from "./model.ts";

/** Keys that stopped being trusted are told for a day more, for sidecars whose clocks lag. */
const FORGOTTEN_AFTER_MS = 86_400_000;

export interface States {
  /** The current versions, by tenant. */
  versions(executor: Executor, tenants: readonly string[]): Promise<ReadonlyMap<string, Versions>>;
  /** The keys that sign the tenant's states. */
  signers(unit: Unit, tenant: string): Promise<{ root: SigningKey; state: SigningKey }>;
  keys(executor: Executor, tenant: string, version: number, issuedAtMs: number): Promise<SidecarState>;
  /** What is in force; its version is that of what was read, which may be newer than what was asked for. */
  policy(executor: Executor, tenant: string, issuedAtMs: number): Promise<SidecarState & { kind: "policy" }>;
  revocations(
    executor: Executor,
    range: { tenant: string; after: number; upTo: number },
    issuedAtMs: number,
  ): Promise<SidecarState & { kind: "revocations" }>;
  pins(
    executor: Executor,
    range: { tenant: string; after: number; upTo: number },
    issuedAtMs: number,
  ): Promise<SidecarState & { kind: "pins" }>;
}

export interface ToldNouns {
  readonly keys: Keys;
  readonly capabilities: Capabilities;
  readonly policies: Policies;
  readonly tools: Tools;
}

export function createStates(nouns: ToldNouns): States {
  return {
    async versions(executor, tenants) {
      const keys = await nouns.keys.versions(executor, tenants);
      const revocations = await nouns.capabilities.versions(executor, tenants);
      const pins = await nouns.tools.versions(executor, tenants);
      const inForce = await nouns.policies.inForce(executor, tenants);
      return new Map(
        tenants.map((tenant) => [
          tenant,
          {
            keys: keys.get(tenant) ?? NO_VERSIONS.keys,
            policy: inForce.get(tenant)?.revision ?? NO_VERSIONS.policy,
            revocations: revocations.get(tenant) ?? NO_VERSIONS.revocations,
            pins: pins.get(tenant) ?? NO_VERSIONS.pins,
          },
        ]),
      );
    },

    async signers(unit, tenant) {
      const root = await nouns.keys.signer(unit, tenant, "root");
      return { root, state: await nouns.keys.signer(unit, tenant, "state") };
    },

    async keys(executor, tenant, version, issuedAtMs) {
      const published = await nouns.keys.published(executor, tenant);
      const keys = published.filter(
        ({ not_after }) => not_after === undefined || Date.parse(not_after) > issuedAtMs - FORGOTTEN_AFTER_MS,
      );
      return { kind: "keys", tenant, issued_at: instant(issuedAtMs), version, keys };
    },

    async policy(executor, tenant, issuedAtMs) {
      const activation = (await nouns.policies.inForce(executor, [tenant])).get(tenant);
      const version = activation?.revision ?? 0;
      const active = pointerOf(activation);
      return { kind: "policy", tenant, issued_at: instant(issuedAtMs), version, active };
    },

    async revocations(executor, { tenant, after, upTo }, issuedAtMs) {
      const part = await nouns.capabilities.revokedAfter(executor, { tenant, after, upTo });
      return { kind: "revocations", tenant, issued_at: instant(issuedAtMs), after, ...part };
    },

    async pins(executor, { tenant, after, upTo }, issuedAtMs) {
      const part = await nouns.tools.pinsAfter(executor, { tenant, after, upTo });
      return { kind: "pins", tenant, issued_at: instant(issuedAtMs), after, ...part };
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

export function heartbeat(tenant: string, versions: Versions, issuedAtMs: number): SidecarState {
  return { kind: "heartbeat", tenant, issued_at: instant(issuedAtMs), versions: { ...versions } };
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
