// The pinned tools of this sidecar: what the control plane approved, what the upstreams offer, and the verdict on every tool. What is seen is
// told to the control plane, which decides what comes first, and kept here, so that a restart trusts nothing a second time.
import type { JsonObject, Reason, SidecarState, ToolReport, ToolReportReply } from "@postern/contracts";
import type { Surroundings } from "../surroundings.ts";
import type { StateFolder } from "../sync/state-folder.ts";
import { readDefinition, sightingOf } from "./definition.ts";
import { createPinTable, type Sighting } from "./pin-table.ts";
import { createReporter } from "./report-sightings.ts";

export interface Pins {
  /** Why a tool may not be called; undefined = nothing speaks against it. A look-up. */
  refusalOf(upstream: string, tool: string): Reason | undefined;
  /** An upstream offers this tool, as it stands in a list answer. Whether it may be shown. */
  admit(upstream: string, tool: JsonObject): boolean;
  /** The sidecar has these upstreams from now on. */
  serve(upstreams: readonly string[]): void;
  /** Takes in what the control plane says is approved. */
  take(state: SidecarState & { kind: "pins" }): void;
  /** Keeps what was seen, and ends. */
  close(): Promise<void>;
}

export interface PinsPorts extends Pick<Surroundings, "clock" | "sleep" | "random" | "log" | "metrics"> {
  /** Names of this sidecar's upstreams. */
  readonly upstreams: readonly string[];
  /** Whether others may come while it runs; default no. */
  readonly isChanging?: boolean;
  readonly report: (report: ToolReport) => Promise<ToolReportReply>;
  readonly folder: Pick<StateFolder, "readSightings" | "saveSightings">;
}

/** What was seen is written this long after it was, at the latest. */
const KEEP_AFTER_MS = 200;

export async function createPins(ports: PinsPorts): Promise<Pins> {
  const { folder, log, metrics, isChanging = false } = ports;
  let { upstreams } = ports;
  const table = createPinTable(upstreams, { isChanging });
  restore(table, await folder.readSightings());
  const keeper = createKeeper(ports, () => folder.saveSightings(table.sightings()));
  const told = new Map<string, string>();
  const reporter = createReporter({
    ...ports,
    upstreams: () => upstreams,
    onRefused(refused) {
      for (const { upstream, tool } of refused) table.refuse(upstream, tool);
      log.warn("tools are not in the inventory, so they are refused", { tools: refused.length });
    },
  });

  function note(upstream: string, tool: JsonObject): string | undefined {
    const definition = readDefinition(tool);
    if (definition === undefined) return undefined;
    const { name, seen } = definition;
    const key = `${upstream}/${name}`;
    if (!table.see(upstream, name, seen)) return undefined;
    if (told.get(key) === seen.digest) return name;
    told.set(key, seen.digest);
    keeper.keep();
    const sighting = sightingOf(upstream, definition);
    if (sighting !== undefined) reporter.tell(sighting);
    const refusal = table.refusalOf(upstream, name);
    if (refusal !== undefined) {
      metrics.increment("toolsHeldBack", { reason: refusal.code });
      log.warn("tool held back", { upstream, tool: name, reason: refusal.code });
    }
    return name;
  }

  return {
    refusalOf: table.refusalOf,
    admit(upstream, tool) {
      const name = note(upstream, tool) ?? tool.name;
      return typeof name === "string" && table.refusalOf(upstream, name) === undefined;
    },
    serve(names) {
      upstreams = names;
      table.serve(names);
    },
    take: ({ mode, pins }) => table.take(mode, pins),
    async close() {
      await reporter.stop();
      await keeper.close();
    },
  };
}

/** The first definition first: what came after it is a change, here as it was then. */
function restore(table: ReturnType<typeof createPinTable>, kept: readonly Sighting[]): void {
  for (const { upstream, tool, first, digest, suspicious } of kept) {
    table.see(upstream, tool, { digest: first, suspicious });
    table.see(upstream, tool, { digest, suspicious });
  }
}

/** Saves a while after something changed, one save at a time; what cannot be kept is told and tried again with the next change. */
function createKeeper({ sleep, log }: Pick<PinsPorts, "sleep" | "log">, save: () => Promise<void>) {
  const closing = new AbortController();
  let owed = false;
  let keeping = Promise.resolve();
  async function settle(): Promise<void> {
    await sleep(KEEP_AFTER_MS, closing.signal);
    owed = false;
    await save().catch((caught: unknown) => log.error("seen tools not kept", caught));
  }
  return {
    keep(): void {
      if (owed) return;
      owed = true;
      keeping = keeping.then(settle);
    },
    async close(): Promise<void> {
      closing.abort();
      await keeping;
    },
  };
}
