// A control plane's signing half for tests: a root and one key of each use, and the states that it seals.
import type { JsonObject, KeyUse, PolicyPointer, PublishedKey, SidecarState } from "@postern/contracts";
import { generateKeyPair, importSigningKey, type SealPurpose, type SigningKey, seal } from "@postern/signing";

type Parts<K extends SidecarState["kind"]> = Omit<
  SidecarState & { kind: K },
  "kind" | "tenant" | "issued_at"
>;

export interface Authority {
  /** Pinned by the sidecar. */
  readonly trustRoot: string;
  readonly keys: Readonly<Record<KeyUse, SigningKey>>;
  readonly published: readonly PublishedKey[];
  seal(document: JsonObject, use: KeyUse, purpose: SealPurpose): Promise<string>;
  /** Sealed as it should be, at `nowMs`, for tenant "acme" unless told otherwise. */
  state<K extends SidecarState["kind"]>(kind: K, parts: Parts<K>, changes?: JsonObject): Promise<string>;
  keyList(version: number): Promise<string>;
}

const USES = ["root", "capability", "bundle", "state", "log"] as const satisfies KeyUse[];

export async function createAuthority(nowMs: () => number): Promise<Authority> {
  const made = await Promise.all(
    USES.map(async (use) => [use, await importSigningKey((await generateKeyPair()).secretKey)] as const),
  );
  const keys = Object.fromEntries(made) as Record<KeyUse, SigningKey>;
  const published = made
    .filter(([use]) => use !== "root")
    .map(([use, key]): PublishedKey => ({ kid: key.kid, public_key: key.publicKey, use, status: "active" }));
  const authority: Authority = {
    trustRoot: keys.root.publicKey,
    keys,
    published,
    seal: (document, use, purpose) => seal(document, { key: keys[use], purpose }),
    state(kind, parts, changes = {}) {
      const document = {
        kind,
        tenant: "acme",
        issued_at: new Date(nowMs()).toISOString(),
        ...parts,
        ...changes,
      };
      return kind === "keys"
        ? authority.seal(document, "root", "keys")
        : authority.seal(document, "state", "state");
    },
    keyList: (version) => authority.state("keys", { version, keys: [...published] }),
  };
  return authority;
}

export const pointerTo = (revision: number): PolicyPointer => ({
  revision,
  digest: String(revision % 10).repeat(64),
  kid: `k4.pid.${"A".repeat(44)}`,
  expires_at: "2030-01-01T00:00:00Z",
});
