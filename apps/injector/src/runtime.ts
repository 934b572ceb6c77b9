// The whole injector as one thing that starts and stops. It holds no state but the template and the certificate, so replicas need nothing
// from each other.
import type { Clock } from "@postern/fault";
import type { Logger, Metrics } from "@postern/telemetry";
import { type Answer, answerReview } from "./admission.ts";
import { followCertificate, readCertificate } from "./certificate.ts";
import type { InjectorConfig } from "./config.ts";
import { startListener } from "./listener.ts";
import { readTemplate } from "./template.ts";
import type { Sleep } from "./timing.ts";
import { VERSION } from "./version.ts";

export interface RuntimePorts {
  readonly clock: Clock;
  readonly sleep: Sleep;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export interface Runtime {
  /** Ports that are listened on: HTTPS, and plain HTTP for probes and metrics. */
  readonly port: number;
  readonly plainPort: number;
  /** Says that it is not ready, lingers, finishes what is in flight, ends. True when nothing had to be cut off. */
  stop(): Promise<boolean>;
}

/** @throws Fault "template.invalid", "certificate.invalid", and what listening throws. */
export async function startRuntime(config: InjectorConfig, ports: RuntimePorts): Promise<Runtime> {
  const { clock, sleep, log, metrics } = ports;
  const template = await readTemplate(config.templateDir);
  const files = { certificate: config.certificatePath, key: config.keyPath };
  const certificate = readCertificate(files);
  let stopping = false;

  const listener = await startListener(
    { ...config, certificate },
    {
      answer(body) {
        const startedMs = clock.monotonicMs();
        const answer = answerReview(body, template, log);
        record(answer, clock.monotonicMs() - startedMs, ports);
        return answer;
      },
      readiness: () => ({ ready: !stopping, reasons: stopping ? ["shutting down"] : [] }),
      metrics,
      version: VERSION,
      log,
    },
  );
  const unfollow = followCertificate(
    files,
    config.certificateCheckMs,
    (next) => {
      listener.serveWith(next);
      log.info("certificate read", { validTo: next.validTo });
    },
    (caught) => log.error("new certificate not used", caught),
  );
  log.info("template read", { hash: template.hash, image: template.container.image });
  log.info("certificate read", { validTo: certificate.validTo });

  return {
    port: listener.port,
    plainPort: listener.plainPort,
    async stop() {
      stopping = true;
      await sleep(config.lingerMs);
      unfollow();
      const drained = new AbortController();
      const clean = await listener.drain(sleep(config.drainMs, drained.signal));
      drained.abort();
      return clean;
    },
  };
}

function record({ outcome, about }: Answer, durationMs: number, { log, metrics }: RuntimePorts): void {
  const { kind, reason } = outcome;
  metrics.increment("admissions", { outcome: kind, reason });
  metrics.observeMs("admissionDuration", {}, durationMs);
  const fields = { ...about, reason, ...(kind === "refuse" && { why: outcome.message }) };
  if (kind === "refuse") log.warn("pod refused", fields);
  else log.info(kind === "patch" ? "pod patched" : "pod left alone", fields);
}
