// The places that this sidecar's operator opened for secrets of registered upstreams: a folder, variables of one prefix, and Vault. A reference
// to a place that is not open is answered as a secret that is not there.
import type { Secret } from "@postern/config";
import type { SecretReference } from "@postern/contracts";
import type { Clock, Fault } from "@postern/fault";
import { readSecretFile } from "./file-secrets.ts";
import { createSecretHolder, type SecretHolder } from "./secret-holder.ts";
import { noSecret, secretOf } from "./secret-source.ts";
import type { Vault } from "./vault-secrets.ts";

export interface SecretPlaces {
  holderFor(reference: SecretReference, onChange: (problem: Fault | undefined) => void): SecretHolder;
}

export interface SecretPlacesPorts {
  /** Folder of secrets. */
  readonly folder: string | undefined;
  /** By the end of the variable's name, after POSTERN_UPSTREAM_SECRET_. */
  readonly variables: ReadonlyMap<string, Secret>;
  readonly vault: Pick<Vault, "read"> | undefined;
  /** How long what Vault said is used as it is. */
  readonly vaultTtlMs: number;
  readonly clock: Pick<Clock, "monotonicMs">;
}

/** A file that changes is read anew after this. */
const FILE_FRESH_MS = 2_000;
/** While Vault is away, what it said last is used for so many times its usual life. */
const VAULT_LIVES = 10;

export function createSecretPlaces(ports: SecretPlacesPorts): SecretPlaces {
  const { folder, variables, vault, vaultTtlMs, clock } = ports;

  function sourceOf(reference: SecretReference) {
    if (reference.from === "file") {
      const life = { freshMs: FILE_FRESH_MS, usableMs: FILE_FRESH_MS };
      return folder === undefined
        ? closed("no folder of secrets is configured")
        : { ...life, fetch: () => readSecretFile(folder, reference.name) };
    }
    if (reference.from === "env") {
      const value = variables.get(reference.name);
      if (value === undefined) return closed("its variable is not set");
      const forever = { freshMs: Number.POSITIVE_INFINITY, usableMs: Number.POSITIVE_INFINITY };
      return { ...forever, fetch: async () => secretOf(value.reveal()) };
    }
    const life = { freshMs: vaultTtlMs, usableMs: VAULT_LIVES * vaultTtlMs };
    return vault === undefined
      ? closed("Vault is not configured")
      : { ...life, fetch: () => vault.read(reference.path) };
  }

  return {
    holderFor: (reference, onChange) => createSecretHolder({ ...sourceOf(reference), clock, onChange }),
  };
}

const closed = (why: string) => ({
  freshMs: 0,
  usableMs: 0,
  fetch: async (): Promise<Secret> => {
    throw noSecret(`${why} for this sidecar`);
  },
});
