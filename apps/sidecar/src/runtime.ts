// The whole sidecar as one thing that starts and stops. It listens from the first moment, so that whoever asks gets a reason instead of a
// closed port, but nothing passes before the control plane has registered it and granted its epoch.
import { hostname } from "node:os";
import { ERROR_CODE, type RegisterReply, reason } from "@postern/contracts";
import { toFault } from "@postern/fault";
import type { Tracer } from "@postern/telemetry";
import type { SidecarConfig } from "./config.ts";
import type { ControlPlane } from "./control-plane.ts";
import { readinessOf } from "./health.ts";
import { type Listener, startListener } from "./listener.ts";
import type { Pipeline } from "./pipeline.ts";
import { isRefused, refuse } from "./stages.ts";
import { openStation, type Station } from "./station.ts";
import { readMessage } from "./steps/read-message.ts";
import { respondRefused } from "./steps/respond.ts";
import type { Surroundings } from "./surroundings.ts";
import { backoffMs } from "./timing.ts";
import type { UpstreamPlace } from "./tracing/message-attributes.ts";
import type { MessageObserver } from "./tracing/message-observer.ts";
import type { Upstream } from "./upstream/upstream.ts";
import { VERSION } from "./version.ts";

export interface Runtime {
  /** Port that is listened on. */
  readonly port: number;
  /** Rejects when the sidecar cannot go on: its data folder is unusable. */
  readonly broken: Promise<never>;
  /** Finishes what is in flight, gives back, ships, ends. True when nothing had to be cut off or left unshipped. */
  stop(): Promise<boolean>;
}

export interface RuntimePorts extends Surroundings {
  readonly observer: MessageObserver;
  readonly tracer?: Pick<Tracer, "close"> | undefined;
  readonly controlPlane: ControlPlane;
  /** By name; those of the configuration, to which registered ones come and go. */
  readonly upstreams: Map<string, Upstream>;
  /** How each is reached. */
  readonly places: Map<string, UpstreamPlace>;
}

/** Answers on /v1/mcp where the configuration names no upstream, once it is registered. */
const USUAL_NAME = "default";

/** @throws what listening throws. */
export async function startRuntime(config: SidecarConfig, ports: RuntimePorts): Promise<Runtime> {
  const { clock, log, metrics, newId, observer, sleep, upstreams } = ports;
  const closing = new AbortController();
  const gauged = new Set<string>();
  const waiting = waitingPipeline(config, ports);
  let station: Station | undefined;
  let trouble = "not registered with the control plane yet";

  const opening = (async () => {
    const identity = await register(ports, closing.signal, (problem) => {
      trouble = problem;
    });
    if (identity === undefined) return;
    log.info("registered", {
      tenant: identity.tenant,
      sidecar_id: identity.sidecar_id,
      epoch: identity.epoch,
    });
    station = await openStation(config, identity, { ...ports, closing: closing.signal });
  })();
  const broken = new Promise<never>((_, reject) => opening.catch(reject));

  metrics.set("buildInfo", 1, { version: VERSION });
  const readiness = () =>
    readinessOf(
      closing.signal.aborted ? ["shutting down"] : (station?.problems() ?? [trouble]),
      station?.warnings(),
    );
  const listener: Listener = await startListener(
    {
      ...config,
      headerRules: { hosts: ownHosts(config), origins: config.allowedOrigins },
      first: config.upstreams[0]?.name ?? USUAL_NAME,
    },
    {
      upstreams,
      pipeline: (received, exchange) => (station?.pipeline ?? waiting)(received, exchange),
      refusalOf: async (message) =>
        station === undefined ? reason("capability.unavailable") : station.refusalOf(message),
      loginMetadata: (path, host) => station?.login.metadata(path, host),
      readiness,
      metrics: {
        ...metrics,
        expose() {
          metrics.set("ready", readiness().ready ? 1 : 0);
          for (const name of upstreams.keys()) gauged.add(name);
          for (const name of gauged) {
            const { calls = 0, isLeftAlone = false } = upstreams.get(name)?.load?.() ?? {};
            metrics.set("upstreamCallsInFlight", calls, { upstream: name });
            metrics.set("circuitOpen", isLeftAlone ? 1 : 0, { upstream: name });
          }
          station?.measure();
          return metrics.expose();
        },
      },
      observer,
      version: VERSION,
      clock,
      newId,
      log,
    },
  );

  return {
    port: listener.port,
    broken,
    async stop() {
      closing.abort();
      const drained = new AbortController();
      const finished = await listener.drain(sleep(config.drainMs, drained.signal));
      drained.abort();
      await opening.catch(() => {});
      const [shipped = true] = await Promise.all([
        station?.close(config.drainMs),
        ports.tracer?.close(sleep(config.drainMs)),
      ]);
      await Promise.all([...upstreams.values()].map((upstream) => upstream.close()));
      return finished && shipped;
    },
  };
}

/** Hosts that callers may name: those that are configured, and that of the sidecar's own public address. */
const ownHosts = ({ allowedHosts, publicUrl }: SidecarConfig): readonly string[] =>
  publicUrl === undefined ? allowedHosts : [...allowedHosts, new URL(publicUrl).host];

/** Asks until the control plane answers; undefined once the sidecar is to end. */
async function register(
  { controlPlane, log, random, sleep }: RuntimePorts,
  closing: AbortSignal,
  onTrouble: (problem: string) => void,
): Promise<RegisterReply | undefined> {
  for (let attempt = 1; !closing.aborted; attempt += 1) {
    try {
      return await controlPlane.register({ version: VERSION, hostname: hostname().slice(0, 255) });
    } catch (caught) {
      onTrouble(`not registered with the control plane: ${toFault(caught).message}`);
      log.error("not registered", caught, { attempt });
      await sleep(backoffMs(attempt, random), closing);
    }
  }
  return undefined;
}

/** What callers get before there is a station: nothing can be recorded, so nothing is done. */
function waitingPipeline(config: SidecarConfig, ports: RuntimePorts): Pipeline {
  return async (received, exchange) => {
    const parsed = readMessage(received, config);
    const why = reason(
      "audit.unavailable",
      "The sidecar is not registered with its control plane yet, so nothing can be recorded.",
    );
    const refused = isRefused(parsed)
      ? parsed
      : refuse(parsed, {
          status: received.verb === "POST" ? 200 : 503,
          code: ERROR_CODE.audit_unavailable,
          check: "audit",
          reasons: [why],
        });
    respondRefused(exchange, isRefused(parsed) ? received : parsed, refused, ports);
  };
}
