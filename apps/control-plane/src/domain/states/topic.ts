// What one tenant's sidecars are told at the moment: signed once, read by all of them. It only moves forward, and as a whole: whoever looks
// sees documents and versions that belong together.
import { NO_VERSIONS, type StateVersions } from "@postern/contracts";
import type { SigningKey } from "@postern/signing";
import type { Actor, Units } from "../unit.ts";
import { DOCUMENTS, type Documented, isBehind, type Listed, sameVersions } from "./model.ts";
import { heartbeat, type States, sealState } from "./service.ts";

interface Signers {
  readonly root: SigningKey;
  readonly state: SigningKey;
}

/** Sealed documents and the versions they are of. */
interface Told {
  readonly versions: StateVersions;
  readonly documents: Readonly<Record<Documented, string>>;
  readonly heartbeat: string;
  readonly signers: Signers;
}

/** A sealed part of a list, and where it ends. */
interface Part {
  readonly sealed: string;
  readonly version: number;
}

export interface Topic {
  readonly tenant: string;
  /** undefined before the first look. */
  told(): Told | undefined;
  /** Rises with each heartbeat. */
  beats(): number;
  /** Takes in versions that were read at or after `issuedAtMs`. Older ones than are told already change nothing. */
  advance(versions: StateVersions, issuedAtMs: number): Promise<void>;
  /** The part of a list after a version. */
  partAfter(list: Listed, after: number, issuedAtMs: number): Promise<Part>;
  /** Resolves when there is something new, or somebody must look up. */
  changed(): Promise<void>;
  wake(): void;
}

export function createTopic(tenant: string, ports: { units: Units; states: States; actor: Actor }): Topic {
  const { units, states, actor } = ports;
  let told: Told | undefined;
  let beats = 0;
  let parts = new Map<string, Promise<Part>>();
  let waiting = Promise.withResolvers<void>();

  function wake(): void {
    const { resolve } = waiting;
    waiting = Promise.withResolvers();
    resolve();
  }

  async function make(read: StateVersions, issuedAtMs: number): Promise<Told> {
    const before = told;
    const isNew = (noun: keyof StateVersions) => before?.versions[noun] !== read[noun];
    const signers =
      before === undefined || isNew("keys")
        ? await units.commit(actor, (unit) => states.signers(unit, tenant))
        : before.signers;
    const documents = { keys: "", policy: "", halts: "", upstreams: "", ...before?.documents };
    const versions = { ...read };
    for (const noun of DOCUMENTS.filter(isNew)) {
      const of = { tenant, version: read[noun], issuedAtMs };
      const document = await units.read((db) => states.document(db, noun, of));
      versions[noun] = document.version;
      documents[noun] = await sealState(document, signers);
    }
    const beat = await sealState(heartbeat(tenant, versions, issuedAtMs), signers);
    return { versions, documents, heartbeat: beat, signers };
  }

  async function seal(list: Listed, after: number, issuedAtMs: number): Promise<Part> {
    if (told === undefined) throw new Error("a topic is told before its parts are asked for");
    const { signers, versions } = told;
    const range = { tenant, after, upTo: versions[list] };
    const document = await units.read((db) => states.part(db, list, range, issuedAtMs));
    return { sealed: await sealState(document, signers), version: document.version };
  }

  return {
    tenant,
    told: () => told,
    beats: () => beats,
    async advance(versions, issuedAtMs) {
      const made = await make(versions, issuedAtMs);
      // Another look may have been faster and seen more.
      if (told !== undefined && isBehind(made.versions, told.versions)) return;
      if (!sameVersions(made.versions, told?.versions ?? NO_VERSIONS)) parts = new Map();
      told = made;
      beats += 1;
      wake();
    },
    partAfter(list, after, issuedAtMs) {
      const key = `${list} ${after}`;
      const known = parts.get(key);
      if (known !== undefined) return known;
      const made = seal(list, after, issuedAtMs);
      const from = parts.set(key, made);
      made.catch(() => from.delete(key));
      return made;
    },
    changed: () => waiting.promise,
    wake,
  };
}
