// Whoever hears of every message once: it is counted, logged and traced. Nothing here can change what becomes of a message, and where there is
// no tracer a message costs two counters.
import type { Clock } from "@postern/fault";
import type { Logger, Metrics, Tracer } from "@postern/telemetry";
import { createAllowance } from "../allowance.ts";
import { staysOpen } from "../stages.ts";
import type { UpstreamPlace } from "./message-attributes.ts";
import { createMessageLog } from "./message-log.ts";
import { createSpanKeeper } from "./message-spans.ts";
import { appliedOf, type Ending, holderOf, methodLabel, type Observed } from "./observed.ts";
import type { MessageSpans } from "./spans.ts";

export interface MessageObserver {
  /** The message goes to its tool server now. Undefined when nothing is traced. */
  forwarding(stage: Observed): MessageSpans | undefined;
  /** Once for each message, when its answer has ended. Never throws. */
  ended(stage: Observed, ending: Ending): void;
}

export interface MessageObserverPorts {
  readonly log: Logger;
  readonly metrics: Pick<Metrics, "increment" | "observeMs">;
  readonly clock: Pick<Clock, "monotonicMs">;
  /** Absent: nothing is traced. */
  readonly tracer?: Pick<Tracer, "begin"> | undefined;
  /** How each upstream is reached, by name. */
  readonly places: ReadonlyMap<string, UpstreamPlace>;
  /** Classes of the filter for personal data that may be a label; a policy's own are "custom". */
  readonly classes: ReadonlySet<string>;
  /** Whether answered messages are logged, as is done at level "debug". */
  readonly isVerbose: boolean;
}

/** Spans of callers who proved nothing: they cost them nothing, so they are few. */
const STRANGER_SPANS = { burst: 20, perSecond: 1 };
/** What obligations find beside the classes of the filter. */
const FOUND: ReadonlySet<string> = new Set(["path", "property", "content", "schema", "bytes", "depth"]);

export function createMessageObserver(ports: MessageObserverPorts): MessageObserver {
  const { metrics, clock, tracer, places, classes } = ports;
  const lines = createMessageLog(ports);
  const strangers = createAllowance({ ...STRANGER_SPANS, clock });
  const spans = tracer && createSpanKeeper({ tracer, places });

  function count(stage: Observed, ending: Ending): void {
    const { method = "", startedMs, verb } = stage;
    const { status } = ending;
    metrics.increment("requests", { method: methodLabel(stage), status });
    if (startedMs !== undefined && !staysOpen({ verb, method }))
      metrics.observeMs("messageDuration", { status }, clock.monotonicMs() - startedMs);
    for (const { type, class: found, direction, action, count: times } of appliedOf(stage, ending)) {
      const known = classes.has(found) || FOUND.has(found) ? found : "custom";
      metrics.increment("obligationsApplied", { type, class: known, direction, action }, times);
    }
  }

  /** A request whose head or body was never taken in is no message. */
  function trace(stage: Observed, ending: Ending): string | undefined {
    if (spans === undefined || stage.eventId === undefined) return undefined;
    const isTraced = stage.spans !== undefined || holderOf(stage, ending) !== undefined || strangers.take();
    return isTraced ? spans.ended(stage, ending) : undefined;
  }

  return {
    forwarding: (stage) => spans?.forwarding(stage),
    ended(stage, ending) {
      count(stage, ending);
      lines.tell(stage, ending, trace(stage, ending));
    },
  };
}

/** Hears of nothing: for tests of what takes an observer, and for a server that measures without one. */
export const silentObserver: MessageObserver = { forwarding: () => undefined, ended: () => {} };
