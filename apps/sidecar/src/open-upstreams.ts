// One adapter for each configured tool server.

import { Fault } from "@postern/fault";
import type { Logger } from "@postern/telemetry";
import type { SidecarConfig, UpstreamSettings } from "./config.ts";
import { createHttpUpstream } from "./upstream/http.ts";
import { createStdioUpstream } from "./upstream/stdio.ts";
import type { Upstream } from "./upstream/upstream.ts";

type UpstreamConfig = Pick<
  SidecarConfig,
  "upstreams" | "upstreamEnvironment" | "upstreamTimeoutMs" | "responseBytesMax" | "stdioSessionsMax"
>;

/** @throws Fault invalid "config.invalid" when there is none. */
export function openUpstreams(config: UpstreamConfig, log: Logger): [Upstream, ...Upstream[]] {
  const [first, ...others] = config.upstreams.map((settings) => openUpstream(settings, config, log));
  if (first === undefined) throw new Fault("invalid", "config.invalid", "No tool server is configured.");
  return [first, ...others];
}

function openUpstream({ name, row }: UpstreamSettings, config: UpstreamConfig, log: Logger): Upstream {
  const limits = { name, answerTimeoutMs: config.upstreamTimeoutMs };
  if ("url" in row) {
    const { url, headers = {} } = row;
    return createHttpUpstream({ ...limits, url, headers, bodyBytesMax: config.responseBytesMax });
  }
  const [program, ...args] = row.command;
  if (program === undefined)
    throw new Fault("invalid", "config.invalid", `The upstream ${name} has no command.`);
  return createStdioUpstream({
    ...limits,
    command: [program, ...args],
    environment: { ...config.upstreamEnvironment, ...row.environment },
    sessionsMax: config.stdioSessionsMax,
    lineBytesMax: config.responseBytesMax,
    onDiagnostic: (text) => log.debug("tool server says", { upstream: name, text }),
  });
}
