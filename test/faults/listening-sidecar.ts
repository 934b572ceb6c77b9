// A simulated sidecar that hears its control state from whichever replica it is told to, and believes only what is signed as it must be.
import { SidecarState } from "@postern/contracts";
import { createSidecarClient, type SidecarClient } from "@postern/client";
import { openBundle } from "@postern/policy";
import { createKeySet, kidOf, open, readFooter } from "@postern/signing";
import type { Enrolment } from "../e2e/stack.ts";

type StateOf<Kind extends SidecarState["kind"]> = Extract<SidecarState, { kind: Kind }>;

export interface ListeningSidecar {
  /** Hears from this replica, from then on; resolves when the stream has ended or broken. */
  listen(url: string, signal: AbortSignal): Promise<void>;
  policy(): StateOf<"policy"> | undefined;
  revoked: ReadonlySet<string>;
  /** By id. */
  decided: ReadonlyMap<string, string>;
  heartbeats(): number;
  client(url: string): SidecarClient;
  /** Fetches what the policy points to from a replica, and proves it. */
  proveBundle(url: string): Promise<number | undefined>;
}

const SILENCE_MS = 20_000;

export function createListeningSidecar(enrolment: Enrolment, tenant: string): ListeningSidecar {
  const rootKid = kidOf(enrolment.trust_root);
  const root = createKeySet([
    { kid: rootKid, public_key: enrolment.trust_root, use: "root", status: "active" },
  ]);
  let keys = createKeySet([]);
  let policy: StateOf<"policy"> | undefined;
  let lastEventId: string | undefined;
  let heartbeats = 0;
  const revoked = new Set<string>();
  const decided = new Map<string, string>();
  const client = (url: string) =>
    createSidecarClient({ url, credential: enrolment.credential, silenceMs: SILENCE_MS });

  async function take(sealed: string): Promise<void> {
    const nowMs = Date.now();
    const isOfRoot = readFooter(sealed)?.kid === rootKid;
    const { document } = isOfRoot
      ? await open(sealed, { keys: root, use: "root", purpose: "keys", nowMs })
      : await open(sealed, { keys, use: "state", purpose: "state", nowMs });
    const state = SidecarState.parse(document);
    if (state.tenant !== tenant) throw new Error(`a state of ${state.tenant}`);
    if (state.kind === "keys") keys = createKeySet(state.keys);
    else if (state.kind === "policy") policy = state;
    else if (state.kind === "revocations") for (const jti of state.jtis) revoked.add(jti);
    else if (state.kind === "approvals") for (const each of state.decided) decided.set(each.pending_id, each.status);
    else if (state.kind === "heartbeat") heartbeats += 1;
  }

  return {
    async listen(url, signal) {
      try {
        const states = client(url).states({ signal, ...(lastEventId === undefined ? {} : { lastEventId }) });
        for await (const { id, sealed } of states) {
          await take(sealed);
          lastEventId = id;
        }
      } catch (caught) {
        if (caught instanceof Error && /unreachable|broke|closed|timeout|cancel|abort|fetch/i.test(`${caught.message} ${Reflect.get(caught, "code")}`)) return;
        throw caught;
      }
    },
    policy: () => policy,
    revoked,
    decided,
    heartbeats: () => heartbeats,
    client,
    async proveBundle(url) {
      const active = policy?.active;
      if (active === undefined || active === null) return undefined;
      const bytes = await client(url).bundle(active.digest);
      const opened = await openBundle(bytes, {
        ...{ keys, tenant, revisionMin: 0, digest: active.digest, nowMs: Date.now() },
      });
      return opened.pointer.revision;
    },
  };
}
