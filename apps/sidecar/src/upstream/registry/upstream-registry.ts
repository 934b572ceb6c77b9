// The registered upstreams of this sidecar, kept as the control plane says while calls go on. What is in the configuration stays and wins over
// what is registered under its name. What is changed or removed takes no new call from that moment, finishes those that it has, and ends then;
// the sessions that it had end with it.
import type { RegisteredUpstream } from "@postern/contracts";
import type { Logger } from "@postern/telemetry";
import type { Sleep } from "../../timing.ts";
import type { UpstreamPlace } from "../../tracing/message-attributes.ts";
import { upstreamPlaces } from "../../tracing/upstream-places.ts";
import { opensStream, type Upstream } from "../upstream.ts";
import type { OpenedUpstream } from "./open-registered.ts";

export interface UpstreamRegistry {
  /** Takes in what is registered now. At once and never failing: what cannot be used is there, and refuses. */
  take(state: { readonly upstreams: readonly RegisteredUpstream[] }): void;
  /** What an operator should look at. */
  warnings(): string[];
  /** Ends what was let go of already. What is still there is for whoever has the map to end. */
  close(): Promise<void>;
}

export interface RegistryPorts {
  /** Every upstream of the sidecar by name, to begin with those of its configuration. Whoever looks here sees each change at once. */
  readonly upstreams: Map<string, Upstream>;
  /** How each is reached, for whoever traces. */
  readonly places: Map<string, UpstreamPlace>;
  readonly open: (registered: RegisteredUpstream) => OpenedUpstream;
  /** It takes no more calls: forgets its sessions at once, and tells it that they are over when the result is called. */
  readonly letGo: (upstream: Upstream) => () => Promise<void>;
  readonly sleep: Sleep;
  readonly log: Logger;
}

interface Entry extends OpenedUpstream {
  /** What it was opened for. */
  readonly text: string;
  readonly leaving: AbortController;
}

/** A call may just be between two of its messages when nothing seems to be under way. */
const GRACE_MS = 1_000;

export function createUpstreamRegistry(ports: RegistryPorts): UpstreamRegistry {
  const { upstreams, places, log } = ports;
  const configured = new Set(upstreams.keys());
  const entries = new Map<string, Entry>();
  const shadowed = new Set<string>();
  const ending = new Set<Promise<void>>();
  const closing = new AbortController();

  function put(registered: RegisteredUpstream, text: string): void {
    const { name, transport, url } = registered;
    const leaving = new AbortController();
    const opened = ports.open(registered);
    const upstream = leavable(opened.upstream, leaving.signal);
    entries.set(name, { upstream, problem: opened.problem, text, leaving });
    upstreams.set(name, upstream);
    for (const [of, place] of upstreamPlaces([{ name, row: transport === "http" ? { url } : { sse: url } }]))
      places.set(of, place);
  }

  function retire({ upstream, leaving }: Entry): void {
    const tell = ports.letGo(upstream);
    leaving.abort();
    const gone = end(upstream, tell).finally(() => ending.delete(gone));
    ending.add(gone);
  }

  async function end(upstream: Upstream, tell: () => Promise<void>): Promise<void> {
    try {
      await unlessClosing(upstream.idle?.());
      await ports.sleep(GRACE_MS, closing.signal);
      await unlessClosing(upstream.idle?.());
      await tell();
      await upstream.close();
    } catch (caught) {
      log.error("upstream did not end", caught, { upstream: upstream.name });
    }
  }

  const stopped = new Promise<void>((resolve) => closing.signal.addEventListener("abort", () => resolve()));
  const unlessClosing = (wait: Promise<void> | undefined) => Promise.race([wait, stopped]);

  function warnShadowed(name: string): void {
    if (shadowed.has(name)) return;
    shadowed.add(name);
    log.warn("registered upstream is not served: the configuration has one of this name", { upstream: name });
  }

  return {
    take({ upstreams: registered }) {
      const wanted = new Map(registered.map((each) => [each.name, each]));
      for (const [name, entry] of entries) {
        if (wanted.has(name)) continue;
        entries.delete(name);
        upstreams.delete(name);
        places.delete(name);
        retire(entry);
        log.info("upstream removed", { upstream: name });
      }
      for (const [name, each] of wanted) {
        if (configured.has(name)) {
          warnShadowed(name);
          continue;
        }
        const text = JSON.stringify(each);
        const before = entries.get(name);
        if (before?.text === text) continue;
        put(each, text);
        if (before !== undefined) retire(before);
        log.info(before === undefined ? "upstream added" : "upstream changed", { upstream: name });
      }
    },

    warnings: () =>
      [...entries].flatMap(([name, { problem }]) => {
        const why = problem();
        return why === undefined ? [] : [`the registered upstream ${name}: ${why}`];
      }),

    async close() {
      closing.abort();
      await Promise.all(ending);
    },
  };
}

/** The same, but that its streams which no answer ends are over when it is let go of. */
function leavable(upstream: Upstream, left: AbortSignal): Upstream {
  return {
    ...upstream,
    forward: (request, signal) =>
      upstream.forward(request, opensStream(request) ? AbortSignal.any([signal, left]) : signal),
  };
}
