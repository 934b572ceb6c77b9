// The stream of signed states, for any number of sidecars of a tenant at once. Each reader has a cursor and takes what it lacks when it has
// room: nothing is queued for a slow one, and a revocation is on the wire as soon as it is committed. Every heartbeat follows a fresh look
// at the versions: when the database cannot be read there is none, and sidecars go stale, which is right.
import { NO_VERSIONS, type StateVersions, stateCursor } from "@postern/contracts";
import type { Clock } from "@postern/fault";
import { SYSTEM_TENANT } from "../tenants/model.ts";
import type { Actor, Units } from "../unit.ts";
import { DOCUMENTS, LISTS, type Listed, versionsOf } from "./model.ts";
import type { States } from "./service.ts";
import { createTopic, type Topic } from "./topic.ts";

export interface FeedEvent {
  readonly id: string;
  readonly sealed: string;
}

export interface Reader {
  readonly tenant: string;
  /** What it says it holds already. */
  readonly heard: StateVersions | undefined;
  readonly signal: AbortSignal;
  /** Asked again whenever something was announced, and now and then. */
  readonly isWelcome: () => Promise<boolean>;
}

export interface Feed {
  /** What a sidecar lacks, from then on without end: until its signal fires, it is no longer welcome, or the feed is closed. */
  follow(reader: Reader): AsyncGenerator<FeedEvent, void>;
  /** Looks at every followed tenant and beats. To be called each second. */
  beat(): Promise<void>;
  /** Looks at one tenant at once, because something about it was announced; at all of them, if that concerns everybody. */
  hear(tenant: string): Promise<void>;
  /** Number of open streams. */
  readers(): number;
  close(): void;
}

/** A reader is asked about again after so many heartbeats, should an announcement have been missed. */
const BEATS_BETWEEN_CHECKS = 60;

interface Followed {
  readonly topic: Topic;
  readers: number;
  announcements: number;
  looking: Promise<void> | undefined;
  lookAgain: boolean;
}

export function createFeed(ports: { units: Units; states: States; clock: Clock; actor: Actor }): Feed {
  const { units, states, clock } = ports;
  const followed = new Map<string, Followed>();
  let isClosed = false;

  async function look(topics: readonly Topic[]): Promise<void> {
    if (topics.length === 0) return;
    const issuedAtMs = clock.nowMs();
    const tenants = topics.map((topic) => topic.tenant);
    const versions = await units.read((executor) => states.versions(executor, tenants));
    const advances = topics.map((topic) =>
      topic.advance(versions.get(topic.tenant) ?? NO_VERSIONS, issuedAtMs),
    );
    const failed = (await Promise.allSettled(advances)).find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  /** Looks after whatever was committed before this call; looks that are asked for meanwhile are one look afterwards. */
  function lookNow(each: Followed): Promise<void> {
    if (each.looking !== undefined) {
      each.lookAgain = true;
      return each.looking;
    }
    const looking = (async () => {
      try {
        do {
          each.lookAgain = false;
          await look([each.topic]);
        } while (each.lookAgain);
      } finally {
        each.looking = undefined;
      }
    })();
    each.looking = looking;
    return looking;
  }

  function join(tenant: string): Followed {
    const known = followed.get(tenant);
    const each = known ?? {
      topic: createTopic(tenant, ports),
      readers: 0,
      announcements: 0,
      looking: undefined,
      lookAgain: false,
    };
    each.readers += 1;
    followed.set(tenant, each);
    return each;
  }

  function leave(each: Followed): void {
    each.readers -= 1;
    if (each.readers === 0) followed.delete(each.topic.tenant);
  }

  return {
    async *follow(reader) {
      const each = join(reader.tenant);
      reader.signal.addEventListener("abort", each.topic.wake);
      try {
        await lookNow(each);
        yield* readTopic(each, reader, { clock, isOver: () => isClosed || reader.signal.aborted });
      } finally {
        reader.signal.removeEventListener("abort", each.topic.wake);
        leave(each);
      }
    },

    beat: () => look([...followed.values()].map((each) => each.topic)),

    async hear(tenant) {
      // What holds for every tenant is announced under the control plane's own.
      if (tenant === SYSTEM_TENANT) return look([...followed.values()].map((each) => each.topic));
      const each = followed.get(tenant);
      if (each === undefined) return;
      each.announcements += 1;
      await lookNow(each);
    },

    readers: () => [...followed.values()].reduce((sum, each) => sum + each.readers, 0),

    close() {
      isClosed = true;
      for (const { topic } of followed.values()) topic.wake();
    },
  };
}

async function* readTopic(
  each: Followed,
  { heard, isWelcome }: Reader,
  { clock, isOver }: { clock: Clock; isOver: () => boolean },
): AsyncGenerator<FeedEvent, void> {
  const { topic } = each;
  /** What the reader holds; a document that it was never sent is of no version. */
  const sent = {
    ...{ keys: -1, policy: -1, halts: -1, upstreams: -1, beats: -1 },
    revocations: startOf("revocations", heard, topic),
    pins: startOf("pins", heard, topic),
    approvals: startOf("approvals", heard, topic),
  };
  const begun = new Set<Listed>();
  let checked = { announcements: each.announcements, beats: topic.beats() };
  const at = (sealed: string) => ({
    id: stateCursor(versionsOf((noun) => Math.max(0, sent[noun]))),
    sealed,
  });
  while (!isOver()) {
    const changed = topic.changed();
    const told = topic.told();
    const beats = topic.beats();
    if (checked.announcements !== each.announcements || beats - checked.beats >= BEATS_BETWEEN_CHECKS) {
      checked = { announcements: each.announcements, beats };
      if (!(await isWelcome())) return;
    } else if (told === undefined || (begun.size === LISTS.length && sent.beats === beats)) {
      await changed;
    } else {
      const document = DOCUMENTS.find((noun) => sent[noun] !== told.versions[noun]);
      // The first part is sent even when it is empty: it says that there is nothing to add.
      const list = LISTS.find((noun) => !begun.has(noun) || sent[noun] < told.versions[noun]);
      if (document !== undefined) {
        sent[document] = told.versions[document];
        yield at(told.documents[document]);
      } else if (list !== undefined) {
        const part = await topic.partAfter(list, sent[list], clock.nowMs());
        begun.add(list);
        sent[list] = part.version;
        yield at(part.sealed);
      } else {
        sent.beats = beats;
        yield at(told.heartbeat);
      }
    }
  }
}

/** Who has heard more than there is has heard it from a database that is gone: it is told everything. */
function startOf(list: Listed, heard: StateVersions | undefined, topic: Topic): number {
  const latest = topic.told()?.versions[list] ?? 0;
  return heard !== undefined && heard[list] <= latest ? heard[list] : 0;
}
