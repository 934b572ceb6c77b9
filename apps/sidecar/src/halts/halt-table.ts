// The kill switches that are on, ready to be asked about every message: one comparison while there is none, and a look-up for each scope
// while there are some; only globs are walked. One that has a time ends by this sidecar's own clock, with the control plane or without it.
import { matchGlob } from "@postern/capability";
import { type Capability, type Halt, haltedReason, type Reason } from "@postern/contracts";
import type { Clock } from "@postern/fault";

export interface HaltTable {
  /** Takes the place of whatever was on. */
  take(state: { readonly halts: readonly Halt[] }): void;
  /** As the judge asks it. */
  refusalOf(holder?: Capability, tool?: string): Reason | undefined;
}

interface Entry {
  readonly glob: string;
  readonly refusal: Reason;
  /** By the wall clock; Infinity = until it is released. */
  readonly endsMs: number;
}
type Entries = ReadonlyMap<string, Entry>;

interface Table {
  readonly everybody: readonly Entry[];
  readonly agents: Entries;
  readonly tokens: Entries;
  readonly subtrees: Entries;
  readonly tools: Entries;
  readonly globs: readonly Entry[];
}

/** No glob can be said not to match a longer name in reasonable time, so each counts as matching it. */
const MATCHED_CHARS_MAX = 512;

export function createHaltTable({ clock }: { clock: Pick<Clock, "nowMs"> }): HaltTable {
  let table: Table | undefined;

  function refusalIn({ everybody, agents, tokens, subtrees, tools, globs }: Table, isOn: IsOn, asked: Asked) {
    const { holder, tool } = asked;
    return (
      everybody.find(isOn) ??
      (holder === undefined
        ? undefined
        : (on(agents.get(holder.agent), isOn) ??
          on(tokens.get(holder.jti), isOn) ??
          inLineage(subtrees, holder, isOn))) ??
      (tool === undefined
        ? undefined
        : (on(tools.get(tool), isOn) ?? globs.find((entry) => covers(entry.glob, tool) && isOn(entry))))
    )?.refusal;
  }

  return {
    take({ halts }) {
      table = halts.length === 0 ? undefined : tableOf(halts);
    },
    refusalOf(holder, tool) {
      if (table === undefined) return undefined;
      const nowMs = clock.nowMs();
      return refusalIn(table, ({ endsMs }) => nowMs < endsMs, { holder, tool });
    },
  };
}

type IsOn = (entry: Entry) => boolean;
interface Asked {
  readonly holder: Capability | undefined;
  readonly tool: string | undefined;
}

const on = (entry: Entry | undefined, isOn: IsOn) => (entry !== undefined && isOn(entry) ? entry : undefined);

/** The token itself, or any that it was derived from. */
function inLineage(subtrees: Entries, holder: Capability, isOn: IsOn): Entry | undefined {
  if (subtrees.size === 0) return undefined;
  const { hops, rootJti, mintedFromJti, parentJti, jti } = holder;
  for (const id of [jti, rootJti, mintedFromJti, parentJti, ...hops.map((hop) => hop.jti)]) {
    const entry = id === undefined ? undefined : on(subtrees.get(id), isOn);
    if (entry !== undefined) return entry;
  }
  return undefined;
}

const covers = (glob: string, tool: string) => tool.length > MATCHED_CHARS_MAX || matchGlob(glob, tool);

function tableOf(halts: readonly Halt[]): Table {
  const of = (...scopes: Halt["scope"][]) => halts.filter(({ scope }) => scopes.includes(scope));
  const isGlob = ({ value }: Halt) => /[*?]/.test(value);
  return {
    everybody: of("global", "tenant").map(entryOf),
    agents: byValue(of("agent")),
    tokens: byValue(of("token")),
    subtrees: byValue(of("subtree")),
    tools: byValue(of("tool").filter((halt) => !isGlob(halt))),
    globs: of("tool").filter(isGlob).map(entryOf),
  };
}

/** Of two for the same, the one that lasts longer. */
function byValue(halts: readonly Halt[]): Entries {
  const entries = new Map<string, Entry>();
  for (const halt of halts) {
    const entry = entryOf(halt);
    if (entry.endsMs > (entries.get(halt.value)?.endsMs ?? 0)) entries.set(halt.value, entry);
  }
  return entries;
}

const entryOf = (halt: Halt): Entry => ({
  glob: halt.value,
  refusal: haltedReason(halt),
  endsMs: halt.expires_at === undefined ? Number.POSITIVE_INFINITY : Date.parse(halt.expires_at),
});
