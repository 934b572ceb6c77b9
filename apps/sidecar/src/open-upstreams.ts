// One adapter for each configured tool server, behind its guard.

import { type Clock, Fault } from "@postern/fault";
import type { Logger } from "@postern/telemetry";
import type { SidecarConfig } from "./config.ts";
import { type Credential, createCredential, type Grant } from "./upstream/credential.ts";
import { type GuardOptions, guardUpstream } from "./upstream/guarded.ts";
import { createHttpUpstream } from "./upstream/http.ts";
import { createSseUpstream } from "./upstream/sse.ts";
import { createStdioUpstream } from "./upstream/stdio.ts";
import { createTokenEndpoint } from "./upstream/token-endpoint.ts";
import type { Upstream } from "./upstream/upstream.ts";
import { tokenRowOf, type UpstreamSettings } from "./upstream/upstream-settings.ts";

type UpstreamConfig = Pick<
  SidecarConfig,
  | "upstreams"
  | "upstreamEnvironment"
  | "upstreamTimeoutMs"
  | "upstreamStreamTimeoutMs"
  | "upstreamCallsMax"
  | "upstreamCallsPerPrincipalMax"
  | "upstreamNetworks"
  | "upstreamNetworksStrict"
  | "circuitFailures"
  | "circuitCooldownMs"
  | "responseBytesMax"
  | "stdioSessionsMax"
>;

export interface OpenUpstreamsPorts {
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * By name, in the order of the configuration.
 * @throws Fault invalid "config.invalid" for one at an address that may not be reached.
 */
export function openUpstreams(config: UpstreamConfig, ports: OpenUpstreamsPorts): Map<string, Upstream> {
  const guard = { ...guardOf(config), clock: ports.clock };
  return new Map(
    config.upstreams.map((settings) => [
      settings.name,
      guardUpstream(openUpstream(settings, config, ports), guard),
    ]),
  );
}

type GuardConfig = Pick<
  SidecarConfig,
  "upstreamCallsMax" | "upstreamCallsPerPrincipalMax" | "circuitFailures" | "circuitCooldownMs"
>;

/** What each tool server is given at most, and when it is left alone. */
export function guardOf(config: GuardConfig): Omit<GuardOptions, "clock"> {
  return {
    callsMax: config.upstreamCallsMax,
    callsPerPrincipalMax: config.upstreamCallsPerPrincipalMax,
    failuresMax: config.circuitFailures,
    cooldownMs: config.circuitCooldownMs,
  };
}

function openUpstream(
  settings: UpstreamSettings,
  config: UpstreamConfig,
  { clock, log }: OpenUpstreamsPorts,
): Upstream {
  const { name, row } = settings;
  const onDiagnostic = (text: string) => log.debug("tool server says", { upstream: name, text });
  const limits = {
    name,
    clock,
    answerTimeoutMs: config.upstreamTimeoutMs,
    streamTimeoutMs: config.upstreamStreamTimeoutMs,
  };
  if ("command" in row) {
    const [program, ...args] = row.command;
    if (program === undefined)
      throw new Fault("invalid", "config.invalid", `The upstream ${name} has no command.`);
    return createStdioUpstream({
      ...limits,
      command: [program, ...args],
      environment: { ...config.upstreamEnvironment, ...row.environment },
      sessionsMax: config.stdioSessionsMax,
      lineBytesMax: config.responseBytesMax,
      onDiagnostic,
    });
  }
  const addresses = { networks: config.upstreamNetworks, isStrict: config.upstreamNetworksStrict };
  const credential = openCredential(settings, { clock, addresses, timeoutMs: CREDENTIAL_TIMEOUT_MS });
  const remote = {
    ...limits,
    addresses,
    headers: row.headers ?? {},
    ...(credential !== undefined && { credential }),
  };
  return "url" in row
    ? createHttpUpstream({ ...remote, url: row.url, bodyBytesMax: config.responseBytesMax })
    : createSseUpstream({ ...remote, url: row.sse, eventBytesMax: config.responseBytesMax, onDiagnostic });
}

const CREDENTIAL_TIMEOUT_MS = 10_000;

function openCredential(
  { row, clientSecret }: UpstreamSettings,
  {
    clock,
    ...rules
  }: { clock: Clock; addresses: { networks: readonly string[]; isStrict: boolean }; timeoutMs: number },
): Credential | undefined {
  const tokenRow = tokenRowOf(row);
  if (tokenRow === undefined || clientSecret === undefined) return undefined;
  const { token_url: tokenUrl, client_id: clientId, scope, resource, audience } = tokenRow;
  const grant: Grant = {
    type: "exchange" in row && row.exchange !== undefined ? "token_exchange" : "client_credentials",
    parameters: {
      ...(scope !== undefined && { scope }),
      ...(resource !== undefined && { resource }),
      ...(audience !== undefined && { audience }),
    },
  };
  const endpoint = createTokenEndpoint({ ...rules, tokenUrl, clientId, clientSecret: clientSecret.reveal });
  return createCredential({ endpoint, grant, clock });
}
