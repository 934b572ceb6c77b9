// A simulated sidecar that hears its control state from whichever replica it is told to, and believes only what is signed as it must be.
import { createSidecarClient, type SidecarClient } from "@postern/client";
import { SidecarState } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { openBundle } from "@postern/policy";
import { createKeySet, kidOf, open, readFooter } from "@postern/signing";
import type { Enrolment } from "../e2e/stack.ts";

type PolicyState = Extract<SidecarState, { kind: "policy" }>;

export interface ListeningSidecar {
  /** Hears from this replica; resolves when the stream has ended or broken, which is told by the code of a Fault ("" = it ended). */
  listen(url: string, signal: AbortSignal): Promise<string>;
  policy(): PolicyState | undefined;
  readonly revoked: ReadonlySet<string>;
  /** Status of what was decided, by id. */
  readonly decided: ReadonlyMap<string, string>;
  heartbeats(): number;
  client(url: string): SidecarClient;
  /** Fetches what the policy points to from a replica, proves it, and returns its revision; undefined = there is no policy. */
  provenRevision(url: string): Promise<number | undefined>;
}

/** A stream that is silent for so long counts as broken. */
const SILENCE_MS = 20_000;

export function createListeningSidecar(enrolment: Enrolment, tenant: string): ListeningSidecar {
  const { credential, trust_root: trustRoot } = enrolment;
  const rootKid = kidOf(trustRoot);
  const root = createKeySet([{ kid: rootKid, public_key: trustRoot, use: "root", status: "active" }]);
  let keys = createKeySet([]);
  let policy: PolicyState | undefined;
  let lastEventId: string | undefined;
  let heartbeats = 0;
  const revoked = new Set<string>();
  const decided = new Map<string, string>();
  const client = (url: string) => createSidecarClient({ url, credential, silenceMs: SILENCE_MS });

  async function unsealed(sealed: string): Promise<SidecarState> {
    const nowMs = Date.now();
    const { document } =
      readFooter(sealed)?.kid === rootKid
        ? await open(sealed, { keys: root, use: "root", purpose: "keys", nowMs })
        : await open(sealed, { keys, use: "state", purpose: "state", nowMs });
    return SidecarState.parse(document);
  }

  function take(state: SidecarState): void {
    if (state.kind === "keys") keys = createKeySet(state.keys);
    else if (state.kind === "policy") policy = state;
    else if (state.kind === "heartbeat") heartbeats += 1;
    else if (state.kind === "revocations") for (const jti of state.jtis) revoked.add(jti);
    else if (state.kind === "approvals")
      for (const { pending_id, status } of state.decided) decided.set(pending_id, status);
  }

  return {
    revoked,
    decided,
    client,
    policy: () => policy,
    heartbeats: () => heartbeats,
    async listen(url, signal) {
      const after = lastEventId === undefined ? {} : { lastEventId };
      try {
        for await (const { id, sealed } of client(url).states({ signal, ...after })) {
          take(await unsealed(sealed));
          lastEventId = id;
        }
        return "";
      } catch (caught) {
        if (caught instanceof Fault && caught.code.startsWith("client.")) return caught.code;
        throw caught;
      }
    },
    async provenRevision(url) {
      const digest = policy?.active?.digest;
      if (digest === undefined) return undefined;
      const bytes = await client(url).bundle(digest);
      const opened = await openBundle(bytes, { keys, tenant, revisionMin: 0, digest, nowMs: Date.now() });
      return opened.pointer.revision;
    },
  };
}
