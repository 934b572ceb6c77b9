// Which tools may be used: what is approved, beside what the upstreams of this sidecar offer. A verdict is made when something changes and
// looked up when a call comes. What is not known for certain to be approved is refused, but for the one thing that trust_first trusts: the
// first definition of a tool that nobody has seen. Where upstreams come and go, what is known of one that is not here waits until it comes.
import { type PinMode, type Reason, reason, type ToolPin } from "@postern/contracts";
import { isToolName, type Seen } from "./definition.ts";

export interface PinTable {
  refusalOf(upstream: string, tool: string): Reason | undefined;
  /** These are our upstreams from now on. */
  serve(upstreams: readonly string[]): void;
  /** Takes in pins, each replacing what was known of its tool, and the mode. Pins of upstreams that cannot be ours are left out. */
  take(mode: PinMode, pins: readonly ToolPin[]): void;
  /** An upstream offers this. False when it offers too much for this to be remembered. */
  see(upstream: string, tool: string, seen: Seen): boolean;
  /** The control plane does not take the tool into its inventory. */
  refuse(upstream: string, tool: string): void;
  /** What was seen, in the order in which it was. */
  sightings(): Sighting[];
}

/** A tool as seen here, first and last. */
export interface Sighting extends Seen {
  readonly upstream: string;
  readonly tool: string;
  /** Digest of the first definition. */
  readonly first: string;
}

interface Entry {
  pin: ToolPin | undefined;
  seen: Seen | undefined;
  first: string | undefined;
  /** Of two tools of one name that nothing is known about, the one seen earlier has it. */
  place: number;
  refused: boolean;
  verdict: Reason | undefined;
}

const REFUSAL = {
  unready: reason("pin.unapproved", "It is not known yet which tools are approved."),
  changed: reason("pin.changed"),
  unapproved: reason("pin.unapproved"),
  blocked: reason("pin.unapproved", "The tool was taken out of use until it is approved again."),
  shadowed: reason(
    "pin.shadowed",
    "Another upstream offers a tool of the same name, so this one waits for approval.",
  ),
} as const;
const HELD = {
  "pin.changed": REFUSAL.changed,
  "pin.unapproved": REFUSAL.unapproved,
  "pin.shadowed": REFUSAL.shadowed,
} as const;

/** Tools remembered of one upstream; one that offers more has too many. */
const TOOLS_PER_UPSTREAM_MAX = 10_000;

export interface PinTableOptions {
  readonly toolsMax?: number;
  /** Whether our upstreams may be others later; default no. */
  readonly isChanging?: boolean;
}

export function createPinTable(
  upstreams: readonly string[],
  { toolsMax = TOOLS_PER_UPSTREAM_MAX, isChanging = false }: PinTableOptions = {},
): PinTable {
  const tables = new Map(upstreams.map((upstream) => [upstream, new Map<string, Entry>()]));
  let ours: ReadonlySet<string> = new Set(upstreams);
  let mode: PinMode | undefined;
  let places = 0;

  /** What is known of an upstream that is ours, or may become so. */
  function tableOf(upstream: string): Map<string, Entry> | undefined {
    const known = tables.get(upstream);
    if (known !== undefined || !isChanging) return known;
    const table = new Map<string, Entry>();
    tables.set(upstream, table);
    return table;
  }

  function entryOf(table: Map<string, Entry>, tool: string): Entry {
    const known = table.get(tool);
    if (known !== undefined) return known;
    const entry: Entry = {
      ...{ pin: undefined, seen: undefined, first: undefined, verdict: undefined },
      ...{ place: Number.POSITIVE_INFINITY, refused: false },
    };
    table.set(tool, entry);
    return entry;
  }

  /** Whether the entry stands for its name: by approval, or because it was seen first where that is trusted. */
  function standing(entry: Entry): { approved: boolean; at: number } | undefined {
    const { pin, seen, refused } = entry;
    if (pin !== undefined)
      return pin.status !== "blocked" && pin.digests.length > 0
        ? { approved: true, at: pin.since }
        : undefined;
    return seen !== undefined && !refused && mode === "trust_first"
      ? { approved: false, at: entry.place }
      : undefined;
  }

  /** Whether another upstream's tool of this name was there before. */
  function isShadowed(upstream: string, tool: string, own: Entry | undefined): boolean {
    const mine = own === undefined ? undefined : standing(own);
    for (const [other, table] of tables) {
      const entry = other === upstream || !ours.has(other) ? undefined : table.get(tool);
      const theirs = entry === undefined ? undefined : standing(entry);
      if (theirs === undefined) continue;
      if (mine === undefined || (theirs.approved && !mine.approved)) return true;
      if (theirs.approved === mine.approved && theirs.at < mine.at) return true;
    }
    return false;
  }

  function byPin(pin: ToolPin, seen: Seen | undefined): Reason | undefined {
    if (pin.status === "blocked") return REFUSAL.blocked;
    if (seen === undefined) return pin.status === "pinned" ? undefined : HELD[pin.reason];
    if (pin.digests.includes(seen.digest)) return undefined;
    return pin.digests.length > 0 ? REFUSAL.changed : HELD[pin.reason];
  }

  function byTrust({ seen, first, refused }: Entry): Reason | undefined {
    if (mode !== "trust_first" || refused || seen?.suspicious) return REFUSAL.unapproved;
    return seen?.digest === first ? undefined : REFUSAL.changed;
  }

  function judge(upstream: string, tool: string, entry: Entry): Reason | undefined {
    const refusal = entry.pin === undefined ? byTrust(entry) : byPin(entry.pin, entry.seen);
    if (refusal !== undefined || entry.pin?.explicit) return refusal;
    return isShadowed(upstream, tool, entry) ? REFUSAL.shadowed : undefined;
  }

  /** A change of one tool may change what holds for those of the same name. */
  function judgeName(tool: string): void {
    for (const [upstream, table] of tables) {
      const entry = table.get(tool);
      if (entry !== undefined) entry.verdict = judge(upstream, tool, entry);
    }
  }

  function judgeUnknown(
    upstream: string,
    table: ReadonlyMap<string, Entry>,
    tool: string,
  ): Reason | undefined {
    if (mode !== "trust_first" || table.size >= toolsMax || !isToolName(tool)) return REFUSAL.unapproved;
    return isShadowed(upstream, tool, undefined) ? REFUSAL.shadowed : undefined;
  }

  return {
    refusalOf(upstream, tool) {
      if (mode === "off") return undefined;
      const table = ours.has(upstream) ? tables.get(upstream) : undefined;
      if (mode === undefined || table === undefined) return REFUSAL.unready;
      const entry = table.get(tool);
      return entry === undefined ? judgeUnknown(upstream, table, tool) : entry.verdict;
    },

    serve(upstreams) {
      const moved = [...ours, ...upstreams].filter((name) => ours.has(name) !== upstreams.includes(name));
      ours = new Set(upstreams);
      for (const upstream of moved) for (const tool of tableOf(upstream)?.keys() ?? []) judgeName(tool);
    },

    take(next, pins) {
      const names = new Set<string>();
      for (const pin of pins) {
        const table = tableOf(pin.upstream);
        if (table === undefined) continue;
        entryOf(table, pin.tool).pin = pin;
        names.add(pin.tool);
      }
      const isOther = mode !== next;
      mode = next;
      if (isOther) for (const table of tables.values()) for (const tool of table.keys()) names.add(tool);
      for (const tool of names) judgeName(tool);
    },

    see(upstream, tool, seen) {
      const table = tableOf(upstream);
      if (table === undefined || (!table.has(tool) && table.size >= toolsMax)) return false;
      const entry = entryOf(table, tool);
      if (entry.seen?.digest === seen.digest) return true;
      if (entry.first === undefined) {
        entry.first = seen.digest;
        entry.place = places;
        places += 1;
      }
      entry.seen = seen;
      judgeName(tool);
      return true;
    },

    refuse(upstream, tool) {
      const entry = tables.get(upstream)?.get(tool);
      if (entry === undefined) return;
      entry.refused = true;
      judgeName(tool);
    },

    sightings() {
      const found: (Sighting & { place: number })[] = [];
      for (const [upstream, table] of tables) {
        for (const [tool, { seen, first, place }] of table) {
          if (seen !== undefined && first !== undefined)
            found.push({ upstream, tool, first, place, ...seen });
        }
      }
      return found.sort((a, b) => a.place - b.place).map(({ place: _, ...sighting }) => sighting);
    },
  };
}
