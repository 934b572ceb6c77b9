// The control state that this sidecar holds: trusted keys, revocations, kill switches, pinned tools, decided approvals, registered upstreams and
// the wanted policy. Every message is signed and versioned; the key list must be signed by the pinned root, everything else by a key of that
// list, and nothing ever goes back to a lower version.
import type { Revocations } from "@postern/capability";
import {
  type PolicyPointer,
  type PolicyRollout,
  type Reason,
  reason,
  SidecarState,
  STATE_NOUNS,
  type StateNoun,
  type StateVersions,
} from "@postern/contracts";
import { type Clock, Fault } from "@postern/fault";
import { createKeySet, type KeySet, kidOf, open, readFooter } from "@postern/signing";
import type { Freshness } from "./freshness.ts";
import type { PolicyHolder } from "./policy-holder.ts";

export interface ControlState {
  /**
   * Takes in one sealed state; returns what it was.
   * @throws Fault: unauthenticated (not signed by whom it must be) · invalid "sync.shape", "sync.tenant" · precondition "sync.rollback", "sync.gap".
   */
  apply(sealed: string): Promise<SidecarState["kind"]>;
  keys(): KeySet;
  readonly revocations: Revocations;
  versions(): StateVersions;
  /** Why no capability may be accepted, for this tool or in general. */
  stale(tool?: string): Reason | undefined;
  /** Why the policy may not be asked about a tool. */
  policyStale(tool?: string): Reason | undefined;
  /** What keeps the sidecar from being ready. */
  problems(): string[];
}

export type StateOf<Kind extends SidecarState["kind"]> = SidecarState & { kind: Kind };

export interface ControlStatePorts {
  readonly tenant: string;
  /** k4.public text of the pinned root. */
  readonly trustRoot: string;
  readonly policy: Pick<PolicyHolder, "heldVersion" | "problem"> & {
    /** Sets the goal; null = no policy, or no candidate. */
    want(version: number, active: PolicyPointer | null, rollout: PolicyRollout | null): void;
  };
  readonly pins: { take(state: StateOf<"pins">): void };
  readonly halts: { take(state: StateOf<"halts">): void };
  readonly upstreams: { take(state: StateOf<"upstreams">): void };
  readonly approvals: { take(state: StateOf<"approvals">): void };
  /** One for the policy, one for everything else. */
  readonly freshness: { readonly authority: Freshness; readonly policy: Freshness };
  /** Versions that an earlier run of this sidecar held. */
  readonly floors: { readonly keys: number; readonly policy: number; readonly pins: number };
  readonly clock: Clock;
}

const NOUNS = Object.keys(STATE_NOUNS) as StateNoun[];
/** What must be current for a capability to be accepted. */
const AUTHORITY = ["keys", "halts", "revocations", "pins"] as const satisfies readonly StateNoun[];

const SEALED_CHARACTERS_MAX = 2_097_152;

export function createControlState(ports: ControlStatePorts): ControlState {
  const { trustRoot, clock, freshness, policy } = ports;
  const rootKid = kidOf(trustRoot);
  const rootSet = createKeySet([{ kid: rootKid, public_key: trustRoot, use: "root", status: "active" }]);
  let keys = createKeySet([]);
  /** -1 = never told. */
  const held: Record<StateNoun, number> = {
    ...{ keys: 0, policy: -1, halts: -1, upstreams: -1 },
    ...{ revocations: -1, pins: -1, approvals: -1 },
  };
  const revoked = new Set<string>();

  async function unseal(sealed: string): Promise<SidecarState> {
    if (sealed.length > SEALED_CHARACTERS_MAX)
      throw refuse("invalid", "sync.shape", "The state is too large.");
    const byRoot = readFooter(sealed)?.kid === rootKid;
    const nowMs = clock.nowMs();
    const { document } = await (byRoot
      ? open(sealed, { keys: rootSet, use: "root", purpose: "keys", nowMs })
      : open(sealed, { keys, use: "state", purpose: "state", nowMs }));
    const parsed = SidecarState.safeParse(document);
    if (!parsed.success || (parsed.data.kind === "keys") !== byRoot) {
      throw refuse("invalid", "sync.shape", "The state has a shape that this sidecar does not know.");
    }
    if (parsed.data.tenant !== ports.tenant)
      throw refuse("invalid", "sync.tenant", "The state is of another tenant.");
    return parsed.data;
  }

  /** What comes after what is held, without a hole. */
  function refuseGap(noun: "revocations" | "pins" | "approvals", what: string, after: number): void {
    if (after > Math.max(held[noun], 0))
      throw refuse("precondition", "sync.gap", `${what} are missing in between.`);
  }

  const take: { [Kind in SidecarState["kind"]]: (state: StateOf<Kind>) => void } = {
    keys(state) {
      refuseLower("key list", state.version, Math.max(held.keys, ports.floors.keys));
      keys = createKeySet(state.keys);
      held.keys = state.version;
    },
    policy(state) {
      refuseLower("policy", state.version, Math.max(held.policy, ports.floors.policy));
      if (state.version === held.policy) return;
      held.policy = state.version;
      policy.want(state.version, state.active, state.rollout);
    },
    revocations(state) {
      // A list that starts afresh is added to what is known: a revocation is never taken back.
      refuseGap("revocations", "Revocations", state.after);
      for (const jti of state.jtis) revoked.add(jti);
      held.revocations = Math.max(held.revocations, state.version);
    },
    pins(state) {
      refuseLower("list of pinned tools", state.version, held.pins);
      refuseGap("pins", "Changes of pinned tools", state.after);
      ports.pins.take(state);
      held.pins = state.version;
    },
    halts(state) {
      refuseLower("list of kill switches", state.version, held.halts);
      ports.halts.take(state);
      held.halts = state.version;
    },
    upstreams(state) {
      refuseLower("list of upstreams", state.version, held.upstreams);
      ports.upstreams.take(state);
      held.upstreams = state.version;
    },
    approvals(state) {
      refuseGap("approvals", "Decisions", state.after);
      ports.approvals.take(state);
      held.approvals = Math.max(held.approvals, state.version);
    },
    heartbeat(state) {
      const issuedAtMs = Date.parse(state.issued_at);
      const { versions } = state;
      // After a restart the list comes in parts, so how far it must reach is asked for when it is said to be whole.
      refuseLower("list of pinned tools", versions.pins, ports.floors.pins);
      const current = AUTHORITY.every((noun) => versions[noun] === held[noun]);
      if (current) freshness.authority.prove(issuedAtMs);
      if (current && versions.policy === policy.heldVersion()) freshness.policy.prove(issuedAtMs);
    },
  };

  return {
    async apply(sealed) {
      const state = await unseal(sealed);
      (take[state.kind] as (state: SidecarState) => void)(state);
      return state.kind;
    },
    keys: () => keys,
    revocations: { isRevoked: (jti) => revoked.has(jti) },
    versions() {
      const versions = { ...held };
      for (const noun of NOUNS) versions[noun] = Math.max(0, held[noun]);
      return versions;
    },
    stale: (tool) => (freshness.authority.isFresh(tool) ? undefined : reason("capability.stale")),
    policyStale: (tool) => (freshness.policy.isFresh(tool) ? undefined : reason("policy.stale")),
    problems() {
      const authority = freshness.authority.isFresh()
        ? []
        : [age("keys, revocations, kill switches and pinned tools", freshness.authority)];
      const unloaded = policy.problem();
      const rules = freshness.policy.isFresh() ? [] : [age("the policy", freshness.policy)];
      return [...authority, ...rules, ...(unloaded === undefined ? [] : [unloaded])];
    },
  };
}

function refuseLower(noun: string, version: number, floor: number): void {
  if (version < floor) {
    throw refuse(
      "precondition",
      "sync.rollback",
      `The ${noun} is of version ${version}, but ${floor} was seen already.`,
    );
  }
}

function age(noun: string, { ageMs }: Freshness): string {
  const ms = ageMs();
  const since = Number.isFinite(ms) ? `for ${Math.round(ms / 1000)} s` : "since the start";
  return `no proof ${since} that ${noun} are current`.replace("the policy are", "the policy is");
}

const refuse = (kind: "invalid" | "precondition", code: string, message: string) =>
  new Fault(kind, code, message);
