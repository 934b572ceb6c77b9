// Tells the control plane what was seen: in batches, again until it is taken, and of one tool seldom, so that an upstream that changes its
// tools all the time wears out neither the network nor the inventory. What is refused for good is found by ever smaller batches.
import type { ToolReport, ToolReportReply, ToolSighting } from "@postern/contracts";
import { type Clock, toFault } from "@postern/fault";
import type { Logger } from "@postern/telemetry";
import { backoffMs, type Random, type Sleep } from "../timing.ts";

export interface Reporter {
  /** The newest sighting of a tool is the one that is told. */
  tell(sighting: ToolSighting): void;
  stop(): Promise<void>;
}

export interface ReporterPorts {
  /** Names of the sidecar's upstreams, as they are now. */
  readonly upstreams: () => readonly string[];
  readonly report: (report: ToolReport) => Promise<ToolReportReply>;
  /** These will not be in the inventory. */
  readonly onRefused: (refused: ToolReportReply["refused"]) => void;
  readonly clock: Clock;
  readonly sleep: Sleep;
  readonly random: Random;
  readonly log: Logger;
}

const BATCH_TOOLS_MAX = 64;
/** About; a definition has 64 KiB at most. */
const BATCH_CHARACTERS_MAX = 1_048_576;
/** Sightings that come together travel together. */
const GATHER_MS = 50;
/** One tool is told of this seldom. */
const REPEAT_MS = 10_000;

export function createReporter(ports: ReporterPorts): Reporter {
  const { clock, sleep, log } = ports;
  const stopping = new AbortController();
  const waiting = new Map<string, ToolSighting>();
  const toldAtMs = new Map<string, number>();
  let bell = new AbortController();
  let toolsMax = BATCH_TOOLS_MAX;

  /** What is due and fits in one batch. */
  function nextBatch(): [key: string, sighting: ToolSighting][] {
    const batch: [string, ToolSighting][] = [];
    let characters = 0;
    const nowMs = clock.monotonicMs();
    for (const each of waiting) {
      const [key, { definition }] = each;
      if (nowMs - (toldAtMs.get(key) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) continue;
      characters += JSON.stringify(definition ?? "").length;
      if (batch.length > 0 && characters > BATCH_CHARACTERS_MAX) break;
      if (batch.push(each) === toolsMax) break;
    }
    return batch;
  }

  function settle(batch: readonly [string, ToolSighting][]): void {
    for (const [key, sighting] of batch) {
      toldAtMs.set(key, clock.monotonicMs());
      if (waiting.get(key) === sighting) waiting.delete(key);
    }
  }

  async function send(batch: readonly [string, ToolSighting][]): Promise<void> {
    const tools = batch.map(([, sighting]) => sighting);
    // What was seen at an upstream that has gone since is told all the same.
    const upstreams = [...new Set([...ports.upstreams(), ...tools.map(({ upstream }) => upstream)])];
    const { refused } = await ports.report({ upstreams, tools });
    settle(batch);
    toolsMax = Math.min(BATCH_TOOLS_MAX, 2 * toolsMax);
    if (refused.length > 0) ports.onRefused(refused);
  }

  /** Whether the batch must wait before it is tried again. */
  function afterTrouble(caught: unknown, batch: readonly [string, ToolSighting][]): boolean {
    const fault = toFault(caught);
    log.error("tools not reported", fault, { tools: batch.length });
    if (fault.kind !== "invalid" && fault.kind !== "too_large") return true;
    toolsMax = Math.ceil(batch.length / 2);
    if (batch.length > 1) return false;
    settle(batch);
    ports.onRefused(batch.map(([, { upstream, tool }]) => ({ upstream, tool })));
    return false;
  }

  async function run(): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted; ) {
      const batch = nextBatch();
      if (batch.length === 0) {
        bell = new AbortController();
        const idleMs = waiting.size > 0 ? REPEAT_MS / 10 : REPEAT_MS;
        await sleep(idleMs, AbortSignal.any([bell.signal, stopping.signal]));
        await sleep(GATHER_MS, stopping.signal);
        continue;
      }
      try {
        await send(batch);
        failures = 0;
      } catch (caught) {
        if (!afterTrouble(caught, batch)) continue;
        failures += 1;
        await sleep(backoffMs(failures, ports.random), stopping.signal);
      }
    }
  }

  const running = run();
  return {
    tell(sighting) {
      waiting.set(`${sighting.upstream}/${sighting.tool}`, sighting);
      bell.abort();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
